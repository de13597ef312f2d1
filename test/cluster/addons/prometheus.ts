// Prometheus as a pod. It scrapes the collectors of servers every few seconds, as it would by the PodMonitors that anypod makes.
import type { Cluster } from "../index.ts";
import { applyManifest, kubectl, rolledOut } from "./kubectl.ts";
import { manifest } from "./manifests.ts";
import { type InstallOptions, loadProgram } from "./programs.ts";

const namespace = "monitoring";

export const prometheus = {
  namespace,
  deployment: "prometheus",
  /** Where pods reach it. */
  url: `http://prometheus.${namespace}.svc:9090`,
  /** Where it is asked through the API server. */
  proxy: `/api/v1/namespaces/${namespace}/services/prometheus:9090/proxy`,
};

/** Installs it, and returns when it answers. */
export async function installPrometheus(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const image = await loadProgram(cluster, "prometheus", options);
  await applyManifest(cluster, manifest("prometheus", { image, namespace }));
  await rolledOut(cluster, namespace, prometheus.deployment);
}

export async function removePrometheus(cluster: Cluster): Promise<void> {
  await kubectl(cluster, [
    "delete",
    "--ignore-not-found",
    `namespace/${namespace}`,
    "clusterrole/prometheus",
    "clusterrolebinding/prometheus",
  ]);
}
