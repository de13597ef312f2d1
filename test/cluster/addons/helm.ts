// Installing charts that lie in a folder.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "./commands.ts";
import { patience, type Target } from "./kubectl.ts";

export interface Release {
  name: string;
  namespace: string;
  /** The chart's folder. */
  chart: string;
  /** YAML. */
  values: string;
  /** What is to be otherwise, such as "crds.enabled=false". */
  set?: string[];
}

/**
 * Installs a chart without its CustomResourceDefinitions, or upgrades it to these values, and waits until all that is in it
 * is ready.
 */
export async function installChart(helm: string, { kubeconfig }: Target, release: Release): Promise<void> {
  // Nothing of Helm's is kept in the user's home.
  const home = mkdtempSync(join(tmpdir(), "anypod-helm-"));
  const env = Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, home]));
  const what = [release.name, release.chart, "--namespace", release.namespace, "--create-namespace", "--skip-crds"];
  const values = ["--values=-", ...(release.set ?? []).map((each) => `--set=${each}`)];
  const how = [...values, "--wait", `--timeout=${patience}`, "--kubeconfig", kubeconfig];
  try {
    await output(helm, ["upgrade", "--install", ...what, ...how], { env, input: release.values });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
