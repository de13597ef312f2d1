// The state of a namespace in a form in which two runs of one story are equal: without what the API server counts and times,
// and without what is generated anew in each.
import type { ManagedObject } from "./snapshot.ts";

/** `Kind/name` → what of the object must be the same in every run. */
export type State = Record<string, unknown>;

/** Annotations that depend on the generated keys of the run, on its uids or its namespace. */
const generated = [
  "anypod.dev/config-hash",
  "anypod.dev/ring-hash",
  "anypod.dev/rotated-at",
  "anypod.dev/desired-hash",
];
/** Counted by the Deployment controller: how often pods were rolled, which the number of writes on the way decides. */
const counted = ["deployment.kubernetes.io/revision"];

function annotationsOf({ metadata }: Pick<ManagedObject, "metadata">): Record<string, string> {
  const kept = Object.entries(metadata.annotations ?? {}).filter(([name]) => !counted.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, generated.includes(name) ? "<generated>" : value]));
}

function metadataOf(object: ManagedObject) {
  const { name, labels, ownerReferences = [], managedFields = [], deletionTimestamp } = object.metadata;
  return {
    name,
    labels,
    annotations: annotationsOf(object),
    owners: ownerReferences,
    /** What anypod owns; other managers come and go. */
    fields: managedFields
      .filter(({ manager }) => manager === "anypod")
      .map(({ operation, subresource, fieldsV1 }) => ({ operation, subresource, fieldsV1 })),
    ...(deletionTimestamp !== undefined && { deleting: true }),
  };
}

const hideKeys = (data: Record<string, string> = {}) =>
  Object.fromEntries(Object.keys(data).map((key) => [key, "<generated>"]));

const addresses = ["clusterIP", "clusterIPs", "healthCheckNodePort"];
const without = (object: Record<string, unknown>, names: string[]) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

const ownsReplicas = ({ metadata }: ManagedObject) =>
  (metadata.managedFields ?? []).some(
    ({ manager, fieldsV1 }) =>
      manager === "anypod" && JSON.stringify(fieldsV1?.["f:spec"] ?? {}).includes('"f:replicas"'),
  );

function deploymentSpec(object: ManagedObject): unknown {
  const spec = object.spec as Record<string, unknown> & { template: { metadata: Record<string, unknown> } };
  const annotations = annotationsOf({ metadata: spec.template.metadata } as unknown as ManagedObject);
  const template = { ...spec.template, metadata: { ...spec.template.metadata, annotations } };
  // Somebody else's number is no matter of ours.
  return without({ ...spec, template }, ownsReplicas(object) ? [] : ["replicas"]);
}

/** Generations as distances to the current one: how often the spec was stored differs from run to run. */
function relative(value: unknown, generation: number): unknown {
  if (Array.isArray(value)) return value.map((item) => relative(item, generation));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, nested]) => {
      if (name === "lastTransitionTime") return [name, "<time>"];
      if (name === "observedGeneration") return [name, Number(nested) - generation];
      return [name, relative(nested, generation)];
    }),
  );
}

const contents: Record<string, (object: ManagedObject) => object> = {
  McpServer: ({ spec, status, metadata }) => ({ spec, status: relative(status, metadata.generation ?? 0) }),
  Secret: ({ type, data }) => ({ type, data: hideKeys(data as Record<string, string>) }),
  Deployment: (object) => ({ spec: deploymentSpec(object) }),
  Service: ({ spec }) => ({ spec: without(spec as Record<string, unknown>, addresses) }),
};

function contentOf(object: ManagedObject): object {
  const special = contents[object.kind];
  if (special) return special(object);
  return without(object, ["apiVersion", "kind", "metadata", "status"]);
}

/** Uids and the namespace's name have other values in every run. */
function anonymous(value: object, names: ReadonlyMap<string, string>): unknown {
  let text = JSON.stringify(value);
  for (const [name, alias] of names) text = text.replaceAll(name, alias);
  return JSON.parse(text);
}

function aliases(objects: readonly ManagedObject[]): Map<string, string> {
  const servers = objects.filter(({ kind }) => kind === "McpServer").map(({ metadata }) => metadata);
  const owners = objects.flatMap(({ metadata }) => metadata.ownerReferences ?? []);
  return new Map([
    ...owners.map(({ uid }) => [uid, "<other>"] as const),
    ...servers.map(({ uid, name }) => [uid, `<uid of ${name}>`] as const),
    ...objects.map(({ metadata }) => [metadata.namespace, "<namespace>"] as const),
  ]);
}

export function canonical(objects: readonly ManagedObject[]): State {
  const names = aliases(objects);
  const entries = objects.map((object) => {
    const { apiVersion, kind, metadata } = object;
    const state = { apiVersion, metadata: metadataOf(object), ...contentOf(object) };
    return [`${kind}/${metadata.name}`, anonymous(state, names)] as const;
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const shown = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 200));

/** Where two states differ, a line each: `Kind/name.path: expected …, got …`. */
export function differences(expected: unknown, actual: unknown, path = ""): string[] {
  if (!isObject(expected) || !isObject(actual)) {
    return Object.is(expected, actual) ? [] : [`${path}: expected ${shown(expected)}, got ${shown(actual)}`];
  }
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...names].flatMap((name) =>
    differences(expected[name], actual[name], path === "" ? name : `${path}.${name}`),
  );
}
