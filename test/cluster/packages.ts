// Makes the commands exist that the node needs from the system: Debian packages, installed only for those that are missing.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandPath, isExecutable } from "./commands.ts";
import { type StartContext, tailOf } from "./processes.ts";

/** What every control plane needs: certificates, and (on Linux) processes that die with their starter. */
export const controlPlanePackages = process.platform === "linux" ? ["openssl", "util-linux"] : ["openssl"];
/** What the node needs beside that. */
export const nodePackages = ["containerd", "runc", "containernetworking-plugins", "conntrack", "iptables", "iproute2"];

/** By package, the commands that are needed from it. */
const commands: Record<string, string[]> = {
  containerd: ["containerd", "ctr", "containerd-shim-runc-v2"],
  runc: ["runc"],
  conntrack: ["conntrack"],
  iptables: ["iptables", "iptables-save", "iptables-restore"],
  iproute2: ["ip"],
  openssl: ["openssl"],
  "python3-pip": ["pip3", "python3"],
  "util-linux": ["unshare", "setpriv", "mount"],
  wrk: ["wrk"],
};

/** Debian's folder, and the one of upstream's releases. */
export function cniPlugins(): string | undefined {
  const needed = ["bridge", "host-local", "portmap", "loopback"];
  return ["/usr/lib/cni", "/opt/cni/bin"].find((folder) =>
    needed.every((plugin) => isExecutable(join(folder, plugin))),
  );
}

/** Installs the packages whose commands are missing. Throws, naming them, where that isn't possible. */
export async function ensurePackages(context: Pick<StartContext, "log">, wanted: string[]): Promise<void> {
  const missing = missingOf(wanted);
  if (missing.length === 0) return;
  const names = missing.join(" ");
  if (!commandPath("apt-get"))
    throw new Error(`commands of these packages are needed, and there is no apt-get to install them: ${names}`);
  if (process.getuid?.() !== 0) throw new Error(`these packages are needed: as root, run apt-get install ${names}`);
  context.log(`installing the Debian packages ${names} (takes half a minute)`);
  const before = systemContainerd();
  const dir = mkdtempSync(join(tmpdir(), "anypod-apt-"));
  const log = join(dir, "apt.log");
  try {
    const install = ["install", "--yes", "--no-install-recommends", ...missing];
    // A fresh machine has no package lists, an old one has lists of packages that are no longer there.
    const done = (await apt(install, log)) || ((await apt(["update"], log)) && (await apt(install, log)));
    const still = missingOf(wanted);
    if (!done || still.length > 0) throw new Error(`apt-get could not install ${still.join(" ")}:\n${tailOf(log, 25)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  if (!before && systemContainerd()) await stopSystemContainerd(context);
}

function missingOf(wanted: string[]): string[] {
  return wanted.filter((name) => !isInstalled(name));
}

function isInstalled(name: string): boolean {
  if (name === "containernetworking-plugins") return cniPlugins() !== undefined;
  return (commands[name] ?? []).every((command) => commandPath(command));
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
async function stopSystemContainerd(context: Pick<StartContext, "log">): Promise<void> {
  context.log("stopping the containerd service that its package has just started; the node runs its own");
  await ended(spawn("systemctl", ["disable", "--now", "containerd"], { stdio: "ignore" }));
}

function ended(child: ReturnType<typeof spawn>): Promise<boolean> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
}
