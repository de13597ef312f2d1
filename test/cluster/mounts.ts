// The node's file systems, inside its own mount namespace: they go away with it.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Gives the node its own versions of the folders that containerd, CNI and the kubelet write to, so that all default paths work
 * and nothing of the machine's is seen or changed. All else in /var/lib stays visible: the checkout may be below it.
 */
export async function createMounts(dir: string): Promise<void> {
  await run("mount", ["--make-rprivate", "/"]);
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true });
  await mountTmpfs(data);
  await ownFolder("/var/lib", join(data, "machine-lib"), ["containerd", "cni", "kubelet", "kube-proxy"]);
  await ownFolder("/run", join(data, "machine-run"), [
    "containerd",
    "runc",
    "netns",
    "xtables.lock",
    "docker",
    "docker.sock",
  ]);
  await mountTmpfs("/var/log");
  await shieldSysctls(join(data, "sysctl"));
  // Pods may mount what is mounted later.
  await run("mount", ["--make-rshared", "/"]);
}

/** The kubelet sets these for the whole machine, unless it finds them set: so it finds them set. */
const kubeletSysctls = {
  "vm/overcommit_memory": 1,
  "vm/panic_on_oom": 0,
  "kernel/panic": 10,
  "kernel/panic_on_oops": 1,
  "kernel/keys/root_maxkeys": 1_000_000,
  "kernel/keys/root_maxbytes": 25_000_000,
};

async function shieldSysctls(dir: string): Promise<void> {
  mkdirSync(dir);
  for (const [name, value] of Object.entries(kubeletSysctls)) {
    const file = join(dir, name.replaceAll("/", "."));
    writeFileSync(file, `${value}\n`);
    await run("mount", ["--bind", file, join("/proc/sys", name)]);
  }
}

/** Replaces `folder` by a tmpfs with links to all that was in it, except what the node makes itself. */
async function ownFolder(folder: string, machines: string, except: string[]): Promise<void> {
  mkdirSync(machines);
  await run("mount", ["--rbind", folder, machines]);
  await mountTmpfs(folder);
  for (const entry of readdirSync(machines)) {
    if (!except.includes(entry)) symlinkSync(join(machines, entry), join(folder, entry));
  }
}

/** Lets go of the data, so that `dir` can be removed from inside. */
export async function removeMounts(dir: string): Promise<void> {
  await run("umount", ["--lazy", "--recursive", join(dir, "data")]);
}

async function mountTmpfs(at: string): Promise<void> {
  // Image layers need more than the half of the memory that is the default on small machines; it is only used when written.
  await run("mount", ["-t", "tmpfs", "-o", "mode=755,size=90%", "anypod", at]);
}
