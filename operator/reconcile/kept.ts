// What outlives a server, told when the server is gone: nobody should wonder about volumes that nobody seems to use.
import { apiVersion, kind } from "../api/mcpserver.ts";
import { roleSelector, selectorText } from "../desired/labels.ts";
import { engineOf } from "../desired/task-store/access.ts";
import { clusterOf } from "../desired/task-store/index.ts";
import { managedOf } from "../desired/task-store/managed.ts";
import { managedName } from "../desired/task-store/names.ts";
import type { Client } from "../kube/client.ts";
import type { Recorder } from "../kube/events.ts";
import { type ApiObject, collectionPath } from "../kube/resource.ts";
import { mcpServers } from "./kinds.ts";
import type { ObservedServer } from "./observed.ts";

/** How somebody who wants it gone gets rid of it; undefined when nothing is kept. */
function keptOf({
  metadata,
  spec,
}: Pick<ObservedServer, "metadata" | "spec">): { what: string; object: string } | undefined {
  const taskStore = spec?.taskStore;
  if (!spec || !taskStore) return;
  const managed = managedOf(taskStore);
  if (managed?.managed.retain) {
    const claim = `data-${managedName(metadata.name, managed.engine)}-0`;
    return { what: `The volume of its tasks, PersistentVolumeClaim ${claim},`, object: `pvc ${claim}` };
  }
  const cluster = clusterOf({ metadata, spec });
  const retained = taskStore.redis?.replication?.retain ?? taskStore.postgresql?.cloudNativePg?.retain;
  if (!cluster || !retained) return;
  const object =
    engineOf(taskStore) === "redis"
      ? `redisreplications,redissentinels,configmaps,secrets,pvc -l ${selectorText(roleSelector(metadata.name, "replication"))}`
      : `clusters.postgresql.cnpg.io ${cluster.name}`;
  return { what: `The store of its tasks, ${cluster.kind} ${cluster.name},`, object };
}

/** Whether there is no such server any more; one that has lost a label may only be somebody else's to look after. */
async function isDeleted({ namespace, name, uid }: ObservedServer["metadata"], client: Client): Promise<boolean> {
  const query = { fieldSelector: `metadata.name=${name}` };
  const { items } = await client.json<{ items: ApiObject[] }>({ path: collectionPath(mcpServers, namespace), query });
  return items.every(({ metadata }) => metadata.uid !== uid);
}

/** Tells what stays of a server that is out of sight, if it was deleted. */
export async function tellOfKept(
  { metadata, spec }: ObservedServer,
  { client, record }: { client: Client; record: Recorder },
): Promise<void> {
  const kept = keptOf({ metadata, spec });
  if (!kept || !(await isDeleted(metadata, client))) return;
  const { namespace, name, uid } = metadata;
  record(
    { apiVersion, kind, namespace, name, uid },
    {
      type: "Normal",
      reason: "TasksKept",
      action: "Delete",
      note: `${kept.what} stays, as retain is true: a server of this name finds its tasks again. To be rid of them: kubectl -n ${namespace} delete ${kept.object}`,
    },
  );
}
