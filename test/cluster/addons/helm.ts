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

/** Runs helm with nothing of it kept in the user's home. */
async function atHome(helm: string, args: string[], input = ""): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "anypod-helm-"));
  const env = Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, home]));
  try {
    await output(helm, args, { env, input });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * Installs a chart without its CustomResourceDefinitions, or upgrades it to these values, and waits until all that is in it
 * is ready.
 */
export async function installChart(helm: string, { kubeconfig }: Target, release: Release): Promise<void> {
  const what = [release.name, release.chart, "--namespace", release.namespace, "--create-namespace", "--skip-crds"];
  const values = ["--values=-", ...(release.set ?? []).map((each) => `--set=${each}`)];
  const how = [...values, "--wait", `--timeout=${patience}`, "--kubeconfig", kubeconfig];
  await atHome(helm, ["upgrade", "--install", ...what, ...how], release.values);
}

/** Takes away what a chart has brought. */
export async function uninstallChart(
  helm: string,
  { kubeconfig }: Target,
  { name, namespace }: Pick<Release, "name" | "namespace">,
): Promise<void> {
  await atHome(helm, ["uninstall", name, "--namespace", namespace, "--wait", "--kubeconfig", kubeconfig]);
}
