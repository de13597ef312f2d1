// Every label that anypod sets, and the selectors made of them.

export const serverLabel = "anypod.dev/server";
export const poolLabel = "anypod.dev/pool";
/** On pods that aren't the server's own: what they are for. */
export const roleLabel = "anypod.dev/role";
export const managedByLabel = "app.kubernetes.io/managed-by";
export const manager = "anypod";

/** Labels of an object that belongs to a server, or to one of its pools. */
export function objectLabels(server: string, pool?: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": server,
    "app.kubernetes.io/component": "mcp-server",
    [managedByLabel]: manager,
    [serverLabel]: server,
    ...(pool !== undefined && { [poolLabel]: pool }),
  };
}

/** What selects a pool's pods; never changes, as a Deployment's selector can't. */
export function poolSelector(server: string, pool: string): Record<string, string> {
  return { [serverLabel]: server, [poolLabel]: pool };
}

/** Labels of the objects and pods of something that a server needs. */
export const roleLabels = (server: string, role: string): Record<string, string> => ({
  ...objectLabels(server),
  "app.kubernetes.io/component": role,
  [roleLabel]: role,
});

/** What selects those pods. */
export const roleSelector = (server: string, role: string): Record<string, string> => ({
  [serverLabel]: server,
  [roleLabel]: role,
});

/** The same as text, for the scale subresource. */
export function selectorText(selector: Record<string, string>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
