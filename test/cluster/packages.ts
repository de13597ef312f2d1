// Makes the commands exist that the node needs from the system: Debian packages, installed only for those that are missing.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandPath, isExecutable } from "./commands.ts";
import { type StartContext, tailOf } from "./processes.ts";

/** By package, the commands that are needed from it. */
const packages: Record<string, string[]> = {
  containerd: ["containerd", "ctr", "containerd-shim-runc-v2"],
  runc: ["runc"],
  "containernetworking-plugins": [],
  conntrack: ["conntrack"],
  iptables: ["iptables", "iptables-save", "iptables-restore"],
  iproute2: ["ip"],
  openssl: ["openssl"],
  "util-linux": ["unshare", "setpriv", "mount"],
};

/** Debian's folder, and the one of upstream's releases. */
export function cniPlugins(): string | undefined {
  const needed = ["bridge", "host-local", "portmap", "loopback"];
  return ["/usr/lib/cni", "/opt/cni/bin"].find((folder) =>
    needed.every((plugin) => isExecutable(join(folder, plugin))),
  );
}

/** Installs the packages whose commands are missing. Throws, naming them, where there is no apt-get. */
export async function ensurePackages(context: StartContext): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.join(" ");
  if (!commandPath("apt-get"))
    throw new Error(`the node needs commands of these packages, and there is no apt-get to install them: ${names}`);
  context.log(`installing the Debian packages ${names} (takes half a minute)`);
  const before = systemContainerd();
  const dir = mkdtempSync(join(tmpdir(), "anypod-apt-"));
  const log = join(dir, "apt.log");
  try {
    const install = ["install", "--yes", "--no-install-recommends", ...missing];
    // A fresh machine has no package lists, an old one has lists of packages that are no longer there.
    const done = (await apt(install, log)) || ((await apt(["update"], log)) && (await apt(install, log)));
    const still = missingPackages();
    if (!done || still.length > 0) throw new Error(`apt-get could not install ${still.join(" ")}:\n${tailOf(log, 25)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (!before && systemContainerd()) await stopSystemContainerd(context);
}

function missingPackages(): string[] {
  return Object.entries(packages)
    .filter(
      ([name, commands]) => !(name === "containernetworking-plugins" ? cniPlugins() : commands.every(commandPath)),
    )
    .map(([name]) => name);
}

/** Runs to its end whatever happens: a package half installed would be the user's to repair. */
function apt(args: string[], logFile: string): Promise<boolean> {
  const log = openSync(logFile, "a");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const child = spawn("apt-get", args, { stdio: ["ignore", log, log], env, detached: true });
  closeSync(log);
  return ended(child);
}

/** Whether the machine runs a containerd of its own as a service. */
function systemContainerd(): boolean {
  return existsSync("/run/containerd/containerd.sock");
}

/** Debian's package starts a service. The node runs its own containerd, so that the service is not left running. */
async function stopSystemContainerd(context: StartContext): Promise<void> {
  context.log("stopping the containerd service that its package has just started; the node runs its own");
  await ended(spawn("systemctl", ["disable", "--now", "containerd"], { stdio: "ignore" }));
}

function ended(child: ReturnType<typeof spawn>): Promise<boolean> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
}
