// What applying one McpServer would make of it: as the tool would send it that applies files on this cluster.
import type { Manifest } from "../api/parse.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import { type ApiObject, apply, collectionPath, read } from "../kube/resource.ts";
import { mcpServers } from "../reconcile/kinds.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

type Fields = Record<string, unknown>;
const isMap = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** The merge patch of a client-side apply: what is written now, and null for what was written before and isn't any more. */
export function clientSidePatch(before: unknown, now: unknown): unknown {
  if (!isMap(now)) return now;
  const was = isMap(before) ? before : {};
  const gone = Object.keys(was).filter((name) => !(name in now));
  return {
    ...Object.fromEntries(gone.map((name) => [name, null])),
    ...Object.fromEntries(Object.entries(now).map(([name, value]) => [name, clientSidePatch(was[name], value)])),
  };
}

/** Who applies the McpServer server-side; undefined when nobody does, or several. */
function applierOf({ metadata }: ApiObject): string | undefined {
  const appliers = (metadata.managedFields ?? []).filter(
    ({ operation, subresource, fieldsV1 }) =>
      operation === "Apply" && subresource === undefined && fieldsV1?.["f:spec"] !== undefined,
  );
  return appliers.length === 1 ? appliers[0]?.manager : undefined;
}

export interface Applied {
  live: ApiObject | undefined;
  applied: ApiObject;
}

/**
 * Applies the McpServer with a client whose writes are dry runs. What the file no longer has is dropped only from what the
 * same tool wrote, so the tool that wrote last is taken for the one that will.
 */
export async function applyManifest(
  client: Client,
  manifest: Manifest,
  fieldManager: string | undefined,
): Promise<Applied> {
  const live = await read<ApiObject>(client, mcpServers, manifest.metadata).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const previous = live?.metadata.annotations?.[lastApplied];
  if (previous !== undefined && fieldManager === undefined) {
    const { namespace, name } = manifest.metadata;
    const applied = await client.json<ApiObject>({
      method: "PATCH",
      path: `${collectionPath(mcpServers, namespace)}/${name}`,
      query: { fieldValidation: "Strict" },
      contentType: "application/merge-patch+json",
      body: clientSidePatch({ ...JSON.parse(previous), status: undefined }, manifest),
    });
    return { live, applied };
  }
  const manager = fieldManager ?? (live && applierOf(live)) ?? "kubectl";
  const applied = await apply<ApiObject>(client, mcpServers, manifest, { fieldManager: manager, force: true });
  return { live, applied };
}
