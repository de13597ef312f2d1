// The cgroups that the node's kubelet puts pods into: a tree of each cluster's own, so that two nodes can run at once and the
// tree can be removed whole. They outlive the kubelet: the kernel keeps a cgroup until someone removes it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "./wait.ts";

const root = "/sys/fs/cgroup";

/** The kubelet's `cgroupRoot`. */
export function cgroupName(cluster: string): string {
  return `anypod-${cluster}`;
}

export function createCgroups(cluster: string): void {
  if (isVersion2()) enableControllers();
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, cgroupName(cluster)), { recursive: true });
}

/** In version 2, a cgroup has the controllers that its parent passes on: the kubelet asks for these. */
function enableControllers(): void {
  const read = (file: string) => readFileSync(join(root, file), "utf8").trim().split(" ");
  const passedOn = read("cgroup.subtree_control");
  const wanted = ["cpu", "cpuset", "memory", "pids", "hugetlb"].filter((name) => !passedOn.includes(name));
  const possible = wanted.filter((name) => read("cgroup.controllers").includes(name));
  if (possible.length > 0)
    writeFileSync(join(root, "cgroup.subtree_control"), possible.map((name) => `+${name}`).join(" "));
}

/** The folders that there are of them. */
export function cgroupTrees(cluster: string): string[] {
  return hierarchies()
    .map((hierarchy) => join(hierarchy, cgroupName(cluster)))
    .filter((tree) => existsSync(tree));
}

/** Removes them once their processes are gone. */
export async function removeCgroups(cluster: string): Promise<void> {
  const busy = () => cgroupTrees(cluster).filter((tree) => !removeTree(tree));
  await waitUntil(() => busy().length === 0, {
    for: `the cgroups of the cluster "${cluster}" to be empty`,
    timeout: 20_000,
    details: () => busy().join("\n"),
  });
}

/** Kills every process in them, by the ids that the kernel lists: pods' processes, nothing else. */
export function killCgroups(cluster: string): void {
  for (const tree of cgroupTrees(cluster)) killTree(tree);
}

function killTree(tree: string): void {
  const children = readdirSync(tree, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const child of children) killTree(join(tree, child.name));
  const pids = readFileSync(join(tree, "cgroup.procs"), "utf8").split("\n").map(Number);
  for (const pid of pids) if (pid > 1) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Version 2 has one hierarchy, version 1 one a controller. */
function hierarchies(): string[] {
  if (!existsSync(root)) return [];
  if (isVersion2()) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name));
}

function isVersion2(): boolean {
  return existsSync(join(root, "cgroup.controllers"));
}

function removeTree(tree: string): boolean {
  const children = readdirSync(tree, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const emptied = children.map((entry) => removeTree(join(tree, entry.name)));
  if (emptied.includes(false)) return false;
  try {
    rmdirSync(tree);
    return true;
  } catch {
    return false;
  }
}
