// Finds everything in an object that would bind a caller to one pod.

const suspicious = /affinity|sticky|cookie|clientip|consistent|session/i;

/** Paths of all fields and values that look like affinity; `sessionAffinity: None` is how a Service says that it has none. */
export function affinities(value: unknown, path = ""): string[] {
  if (typeof value === "string") return suspicious.test(value) ? [`${path}: ${value}`] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, child]) => {
    const here = `${path}.${field}`;
    if (here === ".spec.sessionAffinity" && child === "None") return [];
    return [...(suspicious.test(field) ? [here] : []), ...affinities(child, here)];
  });
}
