// Merges a partial pod template over another, as `kubectl patch --type=strategic` would: objects merge, null deletes, lists
// of things with an identity merge item by item, other lists are replaced.

type Json = Record<string, unknown>;

/** Lists whose items are told apart by a field, and whether an item of the same identity merges or takes the old one's place. */
const identities: Record<string, { key: string; items: "merge" | "replace" }> = {
  containers: { key: "name", items: "merge" },
  initContainers: { key: "name", items: "merge" },
  imagePullSecrets: { key: "name", items: "merge" },
  topologySpreadConstraints: { key: "topologyKey", items: "merge" },
  volumeMounts: { key: "mountPath", items: "merge" },
  ports: { key: "containerPort", items: "merge" },
  // A variable or a volume has one source: keeping the old one beside the new would be refused.
  env: { key: "name", items: "replace" },
  volumes: { key: "name", items: "replace" },
};

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function mergeList(field: string, base: Json[], patch: Json[]): Json[] {
  const identity = identities[field];
  // Items that are no objects are the API server's to refuse.
  if (!identity || ![...base, ...patch].every(isObject)) return patch;
  const { key, items } = identity;
  const find = (list: Json[], item: Json) => list.find((other) => other[key] === item[key]);
  const kept = base.map((item) => {
    const change = find(patch, item);
    if (!change) return item;
    return items === "merge" ? merge(item, change) : change;
  });
  return [...kept, ...patch.filter((item) => !find(base, item))];
}

function mergeValue(field: string, base: unknown, patch: unknown): unknown {
  if (isObject(base) && isObject(patch)) return merge(base, patch);
  if (Array.isArray(base) && Array.isArray(patch)) return mergeList(field, base, patch);
  // Also drops nulls below, where there is nothing to delete.
  return isObject(patch) ? merge({}, patch) : patch;
}

/** `base` with `patch` over it; neither is changed. */
export function merge(base: Json, patch: Json): Json {
  const merged: Json = { ...base };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else if (value !== undefined) merged[field] = mergeValue(field, base[field], value);
  }
  return merged;
}
