// Says of every pod that it runs and is ready, as the nodes would that a control plane doesn't have: so that servers get Ready.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./snapshot.ts";

interface Pod {
  metadata: { namespace: string; name: string; deletionTimestamp?: string; resourceVersion: string };
  status?: { phase?: string };
}

const path = "/api/v1/pods";
const labelSelector = "anypod.dev/server";

const running = () => {
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: new Date().toISOString() });
  return { status: { phase: "Running", conditions: [condition("Ready"), condition("ContainersReady")] } };
};

export function startKubelet(client: Client): { stop(): Promise<void> } {
  const abort = new AbortController();

  async function run({ metadata, status }: Pod) {
    if (metadata.deletionTimestamp || status?.phase === "Running") return;
    const { namespace, name } = metadata;
    await client.json({
      method: "PATCH",
      path: `/api/v1/namespaces/${namespace}/pods/${name}/status`,
      contentType: "application/strategic-merge-patch+json",
      body: running(),
    });
  }
  // A pod that has gone meanwhile needs nothing.
  const care = (pod: Pod) => run(pod).catch(() => {});

  async function follow() {
    const { metadata, items } = await client.json<{ metadata: { resourceVersion: string }; items: Pod[] }>({
      path,
      query: { labelSelector },
    });
    await Promise.all(items.map(care));
    const query = { watch: true, labelSelector, resourceVersion: metadata.resourceVersion };
    for await (const line of client.lines({ path, query, timeout: 0, signal: abort.signal })) {
      const { type, object } = JSON.parse(line) as { type: string; object: Pod };
      if (type === "ERROR") return;
      if (type !== "DELETED") void care(object);
    }
  }

  async function loop() {
    while (!abort.signal.aborted) {
      await follow().catch(() => {});
      await delay(200, undefined, { signal: abort.signal }).catch(() => {});
    }
  }

  const ended = loop();
  return {
    async stop() {
      abort.abort();
      await ended;
    },
  };
}
