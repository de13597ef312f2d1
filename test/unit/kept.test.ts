// What is told of a server that is out of sight: only of one that is really gone, and only of what stays.
import { describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import type { Client } from "../../operator/kube/client.ts";
import type { Happening } from "../../operator/kube/events.ts";
import { tellOfKept } from "../../operator/reconcile/kept.ts";
import type { ObservedServer } from "../../operator/reconcile/observed.ts";
import { serverOf } from "../support/arbitraries.ts";

/** Notes about a server with this store, given the uids of the servers of its name that the API server has. */
async function notes(taskStore: SpecInput["taskStore"], there: string[] = []): Promise<string[]> {
  const told: Happening[] = [];
  const items = there.map((uid) => ({ metadata: { uid } }));
  const client = { json: async () => ({ items }) } as unknown as Client;
  const server = serverOf("basket", { image: "basket", ...(taskStore && { taskStore }) }, "uid");
  await tellOfKept(server as unknown as ObservedServer, { client, record: (_, happening) => told.push(happening) });
  for (const { reason } of told) expect(reason).toBe("TasksKept");
  return told.map(({ note }) => note);
}

const retain = true;

describe("a server that was deleted", () => {
  test.each<[string, SpecInput["taskStore"], RegExp]>([
    [
      "its volume",
      { redis: { managed: { retain } } },
      /PersistentVolumeClaim data-basket-redis-\S+-0, stays.* kubectl -n shop delete pvc data-basket-redis-\S+-0$/,
    ],
    [
      "PostgreSQL's, though it says nothing of it",
      { postgresql: { managed: {} } },
      /delete pvc data-basket-postgresql-/,
    ],
    [
      "its Cluster",
      { postgresql: { cloudNativePg: {} } },
      /Cluster basket-pg-\S+, stays.* delete clusters\.postgresql\.cnpg\.io basket-pg-\S+$/,
    ],
    [
      "its RedisReplication, and what goes with it",
      { redis: { replication: {} } },
      /RedisReplication basket-replication-\S+, stays.* delete redisreplications,redissentinels,configmaps,secrets,pvc -l anypod\.dev\/server=basket,anypod\.dev\/role=replication$/,
    ],
  ])("leaves %s, and that is told, with how to be rid of it", async (_, taskStore, note) => {
    expect(await notes(taskStore)).toEqual([expect.stringMatching(note)]);
  });

  test("and made again at once is told of all the same", async () => {
    expect(await notes({ postgresql: { managed: {} } }, ["another-uid"])).toHaveLength(1);
  });

  test.each<[string, SpecInput["taskStore"]]>([
    ["no store", undefined],
    ["a volume that needn't be kept", { redis: { managed: {} } }],
    ["a Cluster that needn't be kept", { postgresql: { cloudNativePg: { retain: false } } }],
    ["a store that isn't anypod's", { redis: { url: { secretKeyRef: { name: "a", key: "b" } } } }],
    ["the store of another server", { ref: { name: "other" } }],
  ])("with %s leaves nothing to tell of", async (_, taskStore) => {
    expect(await notes(taskStore)).toEqual([]);
  });
});

// As when a label has gone that --selector asks for.
test("a server that is only out of sight isn't told of: nobody should delete a volume that is in use", async () => {
  expect(await notes({ postgresql: { managed: {} } }, ["uid"])).toEqual([]);
});
