// JSON schemas of all kinds that a chart may render, strict ones, for kubeconform: Kubernetes' own from the OpenAPI document
// of the version that the tests run, the others from their CustomResourceDefinitions.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { crd } from "../../operator/api/crd.ts";
import { type Definition, monitoringDefinition } from "../cluster/addons/monitoring-crds.ts";
import { moduleSources } from "../cluster/go-modules.ts";

type Schema = Record<string, unknown>;

const metaV1 = "io.k8s.apimachinery.pkg.apis.meta.v1";
const ref = (definition: string): Schema => ({ $ref: `definitions.json#/definitions/${definition}` });
/** What the OpenAPI document calls a string, though more is taken. */
const numberOrString: Schema = { type: ["number", "string"] };
const special: Record<string, Schema> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": numberOrString,
  "io.k8s.apimachinery.pkg.api.resource.Quantity": numberOrString,
};

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null;
const strictChild = (value: unknown) => (isSchema(value) ? strict(value) : value);

/** Refuses fields that the schema doesn't name, but where it says that it doesn't know them. */
function strict(schema: Schema): Schema {
  const { properties, items, additionalProperties, ...rest } = schema;
  const isOpen = rest["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties !== undefined;
  const fields = Object.entries(properties ?? {}).map(([name, child]) => [name, strictChild(child)]);
  return {
    ...rest,
    ...(properties !== undefined && { properties: Object.fromEntries(fields) }),
    ...(items !== undefined && { items: strictChild(items) }),
    ...(additionalProperties !== undefined && { additionalProperties: strictChild(additionalProperties) }),
    ...(properties !== undefined && !isOpen && { additionalProperties: false }),
  };
}

interface Kind {
  group: string;
  version: string;
  kind: string;
}

/** As kubeconform looks for it: `deployment-apps-v1.json`, `service-v1.json`. */
const fileName = ({ group, version, kind }: Kind) =>
  `${[kind.toLowerCase(), ...(group === "" ? [] : [group.split(".")[0]]), version].join("-")}.json`;

function writeKubernetes(folder: string, document: string): void {
  const { definitions } = JSON.parse(readFileSync(document, "utf8")) as { definitions: Record<string, Schema> };
  const converted = Object.entries(definitions).map(([name, schema]) => [name, special[name] ?? strict(schema)]);
  writeFileSync(join(folder, "definitions.json"), JSON.stringify({ definitions: Object.fromEntries(converted) }));
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = (schema["x-kubernetes-group-version-kind"] ?? []) as Kind[];
    const [kind] = kinds;
    if (kind && kinds.length === 1) writeFileSync(join(folder, fileName(kind)), JSON.stringify(ref(name)));
  }
}

function writeCustom(folder: string, { spec: { group, names, versions } }: Definition): void {
  for (const { name, schema } of versions) {
    const { properties, ...rest } = schema.openAPIV3Schema;
    const whole = strict({ ...rest, properties: { ...properties, metadata: ref(`${metaV1}.ObjectMeta`) } });
    writeFileSync(join(folder, fileName({ group, version: name, kind: names.kind })), JSON.stringify(whole));
  }
}

/** Writes a schema of each kind into the folder, and of each kind that `more` files define. */
export async function writeSchemas(folder: string, more: string[] = []): Promise<void> {
  const kubernetes = await moduleSources("kubernetes", "k8s.io/kubernetes");
  writeKubernetes(folder, join(kubernetes, "api/openapi-spec/swagger.json"));
  const monitoring = await Promise.all(["servicemonitors", "prometheusrules"].map(monitoringDefinition));
  const others = more.map((file) => load(readFileSync(file, "utf8")));
  for (const definition of [...monitoring, crd(), ...others]) writeCustom(folder, definition as Definition);
}
