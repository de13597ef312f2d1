// metrics-server, by its own Helm chart from its Go module: autoscalers ask it what pods use.
import { join } from "node:path";
import { ensureBinaries } from "../binaries.ts";
import { moduleSources } from "../go-modules.ts";
import type { Cluster } from "../index.ts";
import { installChart, uninstallChart } from "./helm.ts";
import { waitFor } from "./kubectl.ts";
import { buildContext, type InstallOptions, loadProgram } from "./programs.ts";

const release = { name: "metrics-server", namespace: "kube-system" };

/** Installs it, and returns when the API server serves its metrics. */
export async function installMetricsServer(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const helm = (await ensureBinaries(buildContext(options), ["helm"]))("helm");
  const [repository, tag] = (await loadProgram(cluster, "metrics-server", options)).split(/:(?=[^:]*$)/);
  const chart = join(await moduleSources("metrics-server", "sigs.k8s.io/metrics-server"), "charts/metrics-server");
  // Its chart has it wait for longer than a test should.
  const readinessProbe = { initialDelaySeconds: 0, periodSeconds: 1 };
  const args = ["--metric-resolution=10s", "--kubelet-request-timeout=5s"];
  const values = JSON.stringify({ image: { repository, tag }, args, readinessProbe });
  await installChart(helm, cluster, { ...release, chart, values });
  await waitFor(cluster, "condition=Available", "apiservice/v1beta1.metrics.k8s.io");
}

export async function removeMetricsServer(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const helm = (await ensureBinaries(buildContext(options), ["helm"]))("helm");
  await uninstallChart(helm, cluster, release);
}
