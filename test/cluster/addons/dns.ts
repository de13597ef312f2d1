// DNS for pods, on clusters that come without it: ours.
import type { Cluster } from "../index.ts";
import { applyManifest, rolledOut } from "./kubectl.ts";
import { manifest } from "./manifests.ts";
import { type InstallOptions, loadProgram } from "./programs.ts";

/** Installs CoreDNS where there is no DNS, and returns when it answers. */
export async function installDns(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  if (cluster.provider !== "node") return;
  const image = await loadProgram(cluster, "coredns", options);
  await applyManifest(cluster, manifest("coredns", { image }));
  await rolledOut(cluster, "kube-system", "coredns");
}
