// Writes a server's status, only when it differs from what is there.
import { isDeepStrictEqual } from "node:util";
import { apiVersion, kind, type Status } from "../api/mcpserver.ts";
import { manager } from "../desired/labels.ts";
import type { Client } from "../kube/client.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import { type ApiObject, apply } from "../kube/resource.ts";
import type { Caches } from "./caches.ts";
import { mcpServers } from "./kinds.ts";
import type { ObservedServer } from "./observed.ts";

export async function writeStatus(
  { metadata, status: before }: ObservedServer,
  status: Status,
  { client, caches }: { client: Client; caches: Pick<Caches, "written"> },
): Promise<void> {
  if (isDeepStrictEqual(before, status)) return;
  const { namespace, name, uid } = metadata;
  const object = { apiVersion, kind, metadata: { namespace, name, uid }, status };
  try {
    const options = { fieldManager: manager, force: true, subresource: "status" } as const;
    caches.written(await apply<ApiObject>(client, mcpServers, object, options));
  } catch (error) {
    // Deleted meanwhile, or another one of that name by now: no status is owed.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
