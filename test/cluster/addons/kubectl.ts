// What add-ons do to a cluster with kubectl, as its users would.
import type { Cluster } from "../index.ts";
import { output } from "./commands.ts";

/** The cluster that is worked on. */
export type Target = Pick<Cluster, "kubectl" | "kubeconfig">;

/** How long anything may take to be ready. */
export const patience = "120s";

export function kubectl(target: Target, args: string[], input = ""): Promise<string> {
  return output(target.kubectl, ["--kubeconfig", target.kubeconfig, ...args], { input });
}

const serverSide = ["apply", "--server-side", "--force-conflicts", "--field-manager=cluster-admin"];

/** Applies a manifest of one or many documents. */
export async function applyManifest(target: Target, manifest: string): Promise<void> {
  await kubectl(target, [...serverSide, "-f", "-"], manifest);
}

/** Applies CustomResourceDefinitions (and what lies beside them), and returns when the API server serves them. */
export async function applyDefinitions(target: Target, filesAndFolders: string[]): Promise<void> {
  const from = filesAndFolders.flatMap((path) => ["-f", path]);
  const applied = await kubectl(target, [...serverSide, ...from, "-o", "name"]);
  const definitions = applied.split("\n").filter((name) => name.startsWith("customresourcedefinition"));
  await waitFor(target, "condition=Established", ...definitions);
}

/** Waits until objects are as told, such as "condition=Ready". */
export async function waitFor(target: Target, what: string, ...objects: string[]): Promise<void> {
  await kubectl(target, ["wait", `--for=${what}`, `--timeout=${patience}`, ...objects]);
}

/** Waits until all pods of a Deployment are those of its latest template, and take calls. */
export async function rolledOut(target: Target, namespace: string, deployment: string): Promise<void> {
  await kubectl(target, ["rollout", "status", `deployment/${deployment}`, "-n", namespace, `--timeout=${patience}`]);
}
