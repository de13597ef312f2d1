// The CustomResourceDefinition: what an API server asks of one, and what our users do.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import { describe, expect, test } from "vitest";
import { crd, type JsonSchema, jsonSchema } from "../../operator/api/crd.ts";
import { spec } from "../../operator/api/mcpserver.ts";
import { reference } from "../../operator/api/reference.ts";
import { root } from "../support/processes.ts";

interface Version {
  schema: { openAPIV3Schema: JsonSchema };
  subresources: object;
  additionalPrinterColumns: { name: string; jsonPath: string }[];
}
const definition = crd() as { metadata: { name: string }; spec: { names: object; versions: [Version] } };
const [version] = definition.spec.versions;
const whole = version.schema.openAPIV3Schema;

/** The schema and all below it, with paths. */
function nodes(schema: JsonSchema, path = ""): { path: string; node: JsonSchema }[] {
  const children = [
    ...Object.entries(schema.properties ?? {}).map(([name, child]) => [`${path}.${name}`, child] as const),
    ...(schema.items ? [[`${path}[]`, schema.items] as const] : []),
    ...(typeof schema.additionalProperties === "object" ? [[`${path}.*`, schema.additionalProperties] as const] : []),
  ];
  return [{ path, node: schema }, ...children.flatMap(([at, child]) => nodes(child, at))];
}
const all = nodes(whole);
const where = (wrong: (node: JsonSchema) => boolean) => all.filter(({ node }) => wrong(node)).map(({ path }) => path);

interface Validation {
  rule: string;
  message?: string;
  fieldPath?: string;
}
const validations = (node: JsonSchema) => (node["x-kubernetes-validations"] ?? []) as Validation[];

describe("the CRD", () => {
  test("is structural: a type everywhere, nothing of the spec defaulted, nothing closed, no references, no unions", () => {
    expect(
      where(
        (node) => !node.type && !node["x-kubernetes-int-or-string"] && !node["x-kubernetes-preserve-unknown-fields"],
      ),
    ).toEqual([]);
    // Git holds no status; kstatus wants one from the start.
    expect(where((node) => "default" in node)).toEqual([".status"]);
    expect(where((node) => node.additionalProperties === false)).toEqual([]);
    expect(
      where((node) => ["$ref", "oneOf", "allOf", "not", "definitions", "$schema", "const"].some((key) => key in node)),
    ).toEqual([]);
    expect(where((node) => "anyOf" in node && !node["x-kubernetes-int-or-string"])).toEqual([]);
    expect(where((node) => node.properties !== undefined && node.additionalProperties !== undefined)).toEqual([]);
  });

  test("writes int-or-string as Kubernetes does", () => {
    const intOrString = all.filter(({ node }) => node["x-kubernetes-int-or-string"]);
    expect(intOrString.length).toBeGreaterThan(5);
    for (const { node } of intOrString) {
      expect(node.anyOf).toEqual([{ type: "integer" }, { type: "string" }]);
      expect(node.type).toBeUndefined();
    }
  });

  test("gives integers a format and no bounds that are only those of their type", () => {
    for (const { node } of all.filter(({ node: { type } }) => type === "integer")) {
      expect(["int32", "int64"]).toContain(node.format);
      expect(Math.abs(node.minimum ?? 0)).toBeLessThan(2 ** 31 - 1);
      expect(Math.abs(node.maximum ?? 0)).toBeLessThan(2 ** 31 - 1);
    }
  });

  test("says with every rule what to write instead", () => {
    const rules = all.flatMap(({ node }) => validations(node));
    expect(rules.length).toBeGreaterThan(15);
    expect(rules.filter(({ message }) => !message || message.length < 20)).toEqual([]);
  });

  test("blames only fields that there are", () => {
    for (const { node } of all)
      for (const { fieldPath } of validations(node)) {
        if (fieldPath) expect(Object.keys(node.properties ?? {})).toContain(fieldPath.slice(1));
      }
  });

  test("bounds every list that rules run over, as CEL's cost is counted", () => {
    const listed = all.filter(({ path, node }) => path.startsWith(".spec") && node.type === "array");
    const ruled = listed.filter(
      ({ node }) => node.items && nodes(node.items).some(({ node: below }) => validations(below).length > 0),
    );
    expect(ruled.length).toBeGreaterThan(5);
    expect(ruled.filter(({ node }) => !("maxItems" in node)).map(({ path }) => path)).toEqual([]);
  });

  test("describes every field of the spec", () => {
    const fields = Object.entries(jsonSchema(spec).properties ?? {});
    expect(fields.length).toBeGreaterThan(15);
    expect(fields.filter(([, { description }]) => !description).map(([name]) => name)).toEqual([]);
  });

  test("is far below what client-side apply can hold", () => {
    // It keeps the JSON of what was applied in an annotation, and all annotations together may have 262,144 bytes.
    expect(JSON.stringify(crd()).length).toBeLessThan(200_000);
  });

  test("has the subresources and the columns that people look for", () => {
    expect(version.subresources).toEqual({
      status: {},
      scale: {
        specReplicasPath: ".spec.replicas",
        statusReplicasPath: ".status.replicas",
        labelSelectorPath: ".status.selector",
      },
    });
    expect(version.additionalPrinterColumns.map(({ name }) => name)).toEqual([
      "Ready",
      "URL",
      "Replicas",
      "Versions",
      "Age",
    ]);
    expect(definition.spec.names).toMatchObject({ kind: "McpServer", plural: "mcpservers", shortNames: ["amcp"] });
    expect(definition.metadata.name).toBe("mcpservers.anypod.dev");
  });

  test("needs an image and nothing else", () => {
    const specSchema = whole.properties?.spec;
    expect(specSchema?.required).toEqual(["image"]);
    expect(whole.required).toEqual(["spec"]);
  });

  test("has nothing empty, which the API server would leave out", () => {
    const isEmpty = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;
    const empty = where((node) => [node.properties, node.items, node.required].some(isEmpty));
    expect(empty).toEqual([]);
  });

  test("leaves open what is below a template, the collector's own configuration, and nothing else", () => {
    const open = where((node) => node["x-kubernetes-preserve-unknown-fields"] === true);
    expect(open.length).toBeGreaterThan(0);
    expect(open.filter((path) => !/\.template|\.collector\.(exporters|processors)\./.test(path))).toEqual([]);
  });
});

describe("rules", () => {
  test("assume the defaults that the schema has", () => {
    const assumed = nodes(jsonSchema(spec)).flatMap(({ path, node }) =>
      validations(node).flatMap(({ rule }) =>
        [...rule.matchAll(/has\(self\.(\w+)\) \? self\.\w+ : (\d+)/g)].map(([, field = "", value]) => ({
          field: `${path}.${field}`,
          assumed: Number(value),
          schema: node.properties?.[field]?.default,
        })),
      ),
    );
    expect(assumed.length).toBeGreaterThanOrEqual(4);
    expect(assumed.filter((each) => each.assumed !== each.schema)).toEqual([]);
  });

  test("assume the defaults that messages tell", () => {
    const told = nodes(jsonSchema(spec)).flatMap(({ node }) =>
      validations(node).flatMap(({ message = "" }) =>
        [...message.matchAll(/(\w+) \((\d+) when not given\)/g)].map(([, field = "", value]) => [
          Number(value),
          node.properties?.[field]?.default,
        ]),
      ),
    );
    expect(told.length).toBeGreaterThanOrEqual(4);
    for (const [said, schema] of told) expect(said).toBe(schema);
  });

  test("take autoscaling as switched on when it doesn't say", () => {
    expect(jsonSchema(spec).properties?.autoscaling?.properties?.enabled?.default).toBe(true);
  });
});

describe("the committed files", () => {
  test("are what the schema generates", () => {
    const committed = readFileSync(join(root, "crds/mcpservers.anypod.dev.yaml"), "utf8");
    expect(committed.split("\n").slice(1).join("\n")).toBe(dump(crd(), { lineWidth: 120, noRefs: true }));
    expect(readFileSync(join(root, "docs/reference.md"), "utf8")).toBe(reference());
  });

  test("name every field of the spec in the reference, with its default", () => {
    const page = reference();
    for (const [name, { default: fallback }] of Object.entries(jsonSchema(spec).properties ?? {})) {
      const row = page
        .split("\n")
        .find((line) => line.startsWith(`| \`${name}\` |`) || line.startsWith(`| \`${name}[]\` |`));
      expect(row, name).toBeDefined();
      if (fallback !== undefined) expect(row).toContain(JSON.stringify(fallback));
    }
  });
});
