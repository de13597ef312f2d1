// kubectl, as an administrator of the tier's cluster has it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { inject } from "vitest";

const run = promisify(execFile);

/** What it prints, without blanks around it; rejects with what it complains of. */
export type Kubectl = (...args: string[]) => Promise<string>;

export function kubectlIn(namespace: string): Kubectl {
  const target = ["--kubeconfig", inject("kubeconfig"), "--namespace", namespace];
  return async (...args) => {
    const { stdout } = await run(inject("kubectl"), [...target, ...args], { maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  };
}

/** Runs a line of a page as its readers do, in a folder, with `kubectl` on the path. */
export async function shell(
  line: string,
  { namespace, folder }: { namespace: string; folder: string },
): Promise<string> {
  const define = `kubectl() { '${inject("kubectl")}' --kubeconfig '${inject("kubeconfig")}' --namespace '${namespace}' "$@"; }`;
  const { stdout } = await run("bash", ["-ec", `set -o pipefail; ${define}\n${line}`], { cwd: folder });
  return stdout.trim();
}
