// containerd with its CRI plugin: what the kubelet runs pods with. All paths are the node's own (see mounts.ts).
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cniConfig } from "./network.ts";
import { cniPlugins } from "./packages.ts";
import { pauseImageName } from "./pause-image.ts";
import { type Process, type StartContext, startProcess, waitFor } from "./processes.ts";

const run = promisify(execFile);

export const containerdSocket = "/run/containerd/containerd.sock";

/** Returns when it takes requests and has the image that every pod's sandbox needs. */
export async function startContainerd(context: StartContext, pauseArchive: string): Promise<Process> {
  const cniDir = join(context.dir, "cni");
  mkdirSync(cniDir, { recursive: true });
  writeFileSync(join(cniDir, "10-pods.conflist"), JSON.stringify(cniConfig));
  const config = join(context.dir, "containerd.toml");
  writeFileSync(config, containerdConfig(cniDir));
  const containerd = startProcess(context, { name: "containerd", command: "containerd", args: ["--config", config] });
  await waitFor(context, containerd, "containerd to answer", async () => {
    if (!existsSync(containerdSocket)) return false;
    await ctr(["version"]);
    return true;
  });
  await importImage(pauseArchive);
  return containerd;
}

/** Imports an image archive under the names that it carries. */
export async function importImage(archive: string): Promise<void> {
  await ctr(["images", "import", archive]);
}

async function ctr(args: string[]): Promise<void> {
  await run("ctr", ["--address", containerdSocket, "--namespace", "k8s.io", ...args]);
}

function containerdConfig(cniDir: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "${containerdSocket}"

[${cri}]
sandbox_image = "${pauseImageName}"
# Where a machine forbids lowering oom_score_adj, runc fails without this.
restrict_oom_score_adj = true

[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false

[${cri}.cni]
bin_dir = "${cniPlugins()}"
conf_dir = "${cniDir}"
`;
}
