// What is left on this machine of a cluster: for the tests that see to it that nothing is.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { cgroupName, cgroupTrees } from "./cgroups.ts";
import { namespacesOf } from "./end.ts";
import { clusterDir } from "./state.ts";

const kinds = ["pid", "net", "mnt"];

/** The namespaces that a running node has for itself, such as "net:[4026532179]"; empty for other clusters. */
export function namespaceIds(name: string): string[] {
  const holder = namespacesOf(name);
  if (holder === undefined) return [];
  return ["pid_for_children", "net", "mnt"].map((kind) => readlinkSync(`/proc/${holder}/ns/${kind}`));
}

/** Names each process, mount, cgroup and directory of the cluster, and each process in one of `namespaces`. */
export function leftovers(name: string, namespaces: string[]): string[] {
  const dir = clusterDir(name);
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  return [
    ...processes(name, namespaces),
    ...mounts.filter((line) => line.includes(`${dir}/`)).map((line) => `mount ${line}`),
    ...cgroupTrees(name).map((tree) => `cgroup ${tree}`),
    ...(existsSync(dir) ? [`directory ${dir}`] : []),
  ];
}

function processes(name: string, namespaces: string[]): string[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  return pids.flatMap((pid) => {
    const command = read(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
    const named = command.includes(`${clusterDir(name)}/`) || command.includes(`{"name":"${name}"`);
    const inside = kinds.some((kind) => namespaces.includes(read(() => readlinkSync(join("/proc", pid, "ns", kind)))));
    const inPod = read(() => readFileSync(`/proc/${pid}/cgroup`, "utf8")).includes(`/${cgroupName(name)}/`);
    return named || inside || inPod ? [`process ${pid} ${command}`] : [];
  });
}

/** Processes may end while they are looked at. */
function read(what: () => string): string {
  try {
    return what();
  } catch {
    return "";
  }
}
