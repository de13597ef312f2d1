// The provider that uses a cluster which the user already has: the one of KUBECONFIG. Nothing is started, nothing ended.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureBinaries } from "./binaries.ts";
import { commandPath } from "./commands.ts";
import type { Cluster } from "./index.ts";

const run = promisify(execFile);

export async function existingCluster(name: string, log: (line: string) => void): Promise<Cluster> {
  const kubeconfig = process.env.KUBECONFIG || join(homedir(), ".kube", "config");
  if (!existsSync(kubeconfig))
    throw new Error(
      `ANYPOD_CLUSTER=existing needs a kubeconfig: set KUBECONFIG to the path of one (no file ${kubeconfig})`,
    );
  const kubectl = await findKubectl(log);
  await run(kubectl, ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"]).catch((error: { stderr?: string }) => {
    throw new Error(`the cluster of ${kubeconfig} doesn't answer: ${error.stderr}`);
  });
  const restartNode = () => Promise.reject(new Error("a cluster that is somebody's isn't restarted"));
  return { name, provider: "existing", kubeconfig, kubectl, loadImage, restartNode, stop: () => Promise.resolve() };
}

/** The user's kubectl, or one of our own. */
export async function findKubectl(log: (line: string) => void, signal = new AbortController().signal): Promise<string> {
  const found = commandPath("kubectl");
  if (found) return found;
  const binary = await ensureBinaries({ log, signal }, ["kubectl"]);
  return binary("kubectl");
}

async function loadImage(archive: string): Promise<void> {
  const command = process.env.ANYPOD_LOAD_IMAGE;
  if (!command)
    throw new Error(
      "set ANYPOD_LOAD_IMAGE to the command that loads an image archive into your cluster's nodes; the archive's path is " +
        'appended (examples: "kind load image-archive", "minikube image load", "k3s ctr images import")',
    );
  await run("sh", ["-c", `${command} "$1"`, "load-image", archive]);
}
