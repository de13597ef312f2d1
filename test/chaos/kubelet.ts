// Says of every pod that it runs and is ready, as the nodes would that a control plane doesn't have: so that servers get Ready.
import type { Client } from "./snapshot.ts";
import { watchAll } from "./watch-all.ts";

interface Pod {
  metadata: { namespace: string; name: string; deletionTimestamp?: string; resourceVersion: string };
  status?: { phase?: string };
}

const running = () => {
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: new Date().toISOString() });
  return { status: { phase: "Running", conditions: [condition("Ready"), condition("ContainersReady")] } };
};

/** @param namespace only there; everywhere when not given */
export function startKubelet(client: Client, namespace?: string): { stop(): Promise<void> } {
  async function run({ metadata, status }: Pod) {
    if (metadata.deletionTimestamp || status?.phase === "Running") return;
    await client.json({
      method: "PATCH",
      path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`,
      contentType: "application/strategic-merge-patch+json",
      body: running(),
    });
  }
  // A pod that has gone meanwhile needs nothing.
  const seen = (pod: Pod) => void run(pod).catch(() => {});
  const path = namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`;
  return watchAll<Pod>({ client, path, labelSelector: "anypod.dev/server", seen });
}
