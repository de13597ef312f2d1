// Ending a cluster that another process supervises, and removing what is left of one whose supervisor was killed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { removeCgroups } from "./cgroups.ts";
import { isAlive } from "./processes.ts";
import { ask, clusterDir, removeClusterDir } from "./state.ts";
import { waitUntil } from "./wait.ts";

/** In a cluster's directory: the process id of what holds its namespaces. */
export const namespacesFile = "namespaces.pid";

/** Ends a running cluster, and returns when nothing of it is left. Does nothing when there is none. */
export async function endCluster(name: string): Promise<void> {
  const reply = await ask(name, { do: "status" });
  if (!reply) return sweep(name);
  // The answer is that the connection closes.
  const asked = ask(name, { do: "stop" });
  const gone = () => !isAlive(reply.pid);
  await waitUntil(gone, {
    for: `the supervisor of the cluster "${name}" (process ${reply.pid}) to end`,
    timeout: 120_000,
  });
  await asked;
}

/** Only for a cluster whose supervisor doesn't answer. Its processes have died with it, or are about to. */
export async function sweep(name: string): Promise<void> {
  const dir = clusterDir(name);
  if (!existsSync(dir)) return;
  const held = namespacesOf(name);
  // The inside of a node cleans up by itself when it finds its supervisor gone.
  if (held)
    await waitUntil(() => !holds(held, dir), { for: `the namespaces of "${name}" to end`, timeout: 20_000 }).catch(() =>
      kill(held, dir),
    );
  await removeCgroups(name);
  removeClusterDir(name);
}

/** The process that holds a node's namespaces; undefined for a cluster that has none. */
export function namespacesOf(name: string): number | undefined {
  const file = join(clusterDir(name), namespacesFile);
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

/** The process of this id may be another one by now: ours has the cluster's directory among its arguments. */
function holds(pid: number, dir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`"dir":"${dir}"`);
  } catch {
    return false;
  }
}

function kill(pid: number, dir: string): void {
  if (holds(pid, dir)) process.kill(pid, "SIGKILL");
}
