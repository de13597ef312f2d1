// CPU and memory of processes, from /proc.
import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks of /proc/PID/stat a second: 100 on every Linux that Node runs on. */
const ticks = 100;

/** CPU seconds that a process has used; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in parentheses, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticks;
  } catch {
    return 0;
  }
}

function statusMiB(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1]) / 1024;
}

export const residentMiB = (pid: number) => statusMiB(pid, "VmRSS");
export const peakResidentMiB = (pid: number) => statusMiB(pid, "VmHWM");

/** Process id of a cluster's program, known by its name and the cluster's directory among its arguments. */
export function pidOf(program: string, dir: string): number {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const [command = "", ...args] = commandLine(entry);
    if (command.endsWith(`/${program}`) && args.some((arg) => arg.includes(`${dir}/`))) return Number(entry);
  }
  throw new Error(`no ${program} of ${dir} runs`);
}

/** Process ids of all programs that have this among their arguments. */
export const pidsWith = (argument: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(argument))
    .map(Number);

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

export interface Used {
  /** Seconds on the clock. */
  wall: number;
  /** CPU seconds by the process's name. */
  cpu: Record<string, number>;
}

/** Begins to count; the function returned tells what was used since. */
export function meter(pids: Record<string, number>): () => Used {
  const began = performance.now();
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, cpu: cpuSeconds(pid) }));
  return () => ({
    wall: (performance.now() - began) / 1000,
    cpu: Object.fromEntries(before.map(({ name, pid, cpu }) => [name, cpuSeconds(pid) - cpu])),
  });
}
