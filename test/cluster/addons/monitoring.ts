// The Prometheus Operator with a Prometheus of its own: what makes scrapes of PodMonitors and ServiceMonitors, and alerts of
// PrometheusRules, as on users' clusters.
import { dirname } from "node:path";
import type { Cluster } from "../index.ts";
import { applyDefinitions, applyManifest, kubectl, patience, rolledOut, type Target } from "./kubectl.ts";
import { manifest } from "./manifests.ts";
import { definitionFile } from "./monitoring-crds.ts";
import { type InstallOptions, loadProgram } from "./programs.ts";

/** Where Prometheus is asked through the API server. */
export const prometheusProxy = (namespace: string) =>
  `/api/v1/namespaces/${namespace}/services/prometheus-operated:9090/proxy`;

/** Installs both into the namespace, and returns when Prometheus answers. */
export async function installMonitoring(
  cluster: Cluster,
  namespace: string,
  options: InstallOptions = {},
): Promise<void> {
  const operator = await loadProgram(cluster, "prometheus-operator", options);
  const reloader = await loadProgram(cluster, "prometheus-config-reloader", options);
  const prometheus = await loadProgram(cluster, "prometheus", options);
  await applyDefinitions(cluster, [dirname(await definitionFile("prometheuses"))]);
  await applyManifest(cluster, manifest("monitoring", { namespace, operator, reloader, prometheus }));
  await rolledOut(cluster, namespace, "prometheus-operator");
  await kubectl(cluster, [
    "wait",
    "--for=create",
    "statefulset/prometheus-all",
    "-n",
    namespace,
    `--timeout=${patience}`,
  ]);
  await kubectl(cluster, ["rollout", "status", "statefulset/prometheus-all", "-n", namespace, `--timeout=${patience}`]);
}

/** What of it isn't gone with the namespace. */
export async function removeMonitoring(cluster: Target, namespace: string): Promise<void> {
  const ours = ["prometheus-operator", "prometheus"].map((name) => `clusterrolebinding/${namespace}-${name}`);
  await kubectl(cluster, ["delete", "--ignore-not-found", ...ours, `clusterrole/${namespace}-prometheus`]);
  const definitions = dirname(await definitionFile("prometheuses"));
  await kubectl(cluster, ["delete", "--ignore-not-found", "-f", definitions]);
}
