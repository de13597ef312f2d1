// The operator that is measured: a process of its own under a user of its own, bundled unless told.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bundleOperator } from "../../bundle.ts";
import type { Cluster } from "../cluster/index.ts";
import { kubeconfigOf } from "../cluster/kwok.ts";
import { isAlive, type StartContext, startProcess } from "../cluster/processes.ts";
import { waitUntil } from "../cluster/wait.ts";
import { root, run } from "../support/processes.ts";
import { cpuSeconds } from "./usage.ts";

export interface Program {
  /** The entry file. */
  source: string;
  /** It and all that it imports, without node_modules. */
  bundle: string;
  /** Flags of Node.js. */
  nodeFlags: string[];
  /** Flags that keep several of them from wanting the same port. */
  flags: string[];
}

/** The flags with which a program asks to be run, in its first line. */
function flagsOf(source: string): string[] {
  const [first = ""] = readFileSync(source, "utf8").split("\n", 1);
  return first.startsWith("#!") ? first.split(" ").filter((word) => word.startsWith("--")) : [];
}

/** Bundles the operator, and asks it which addresses it would listen on. */
export async function operatorProgram(entry: string | undefined, flags: string[] | undefined): Promise<Program> {
  const source = resolve(entry ?? join(root, "operator/main.ts"));
  const folder = mkdtempSync(join(tmpdir(), "anypod-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const bundle = await bundleOperator(folder, source);
  const { stdout } = await run(["node", bundle, "run", "--help"]);
  const addresses = new Set(stdout.match(/--[a-z-]*bind-address\b/g));
  const nodeFlags = flags ?? flagsOf(source);
  return { source, bundle, nodeFlags, flags: [...addresses].flatMap((flag) => [flag, "127.0.0.1:0"]) };
}

/** Whether the operator has a flag. */
export async function hasFlag({ bundle }: Program, flag: string): Promise<boolean> {
  return (await run(["node", bundle, "run", "--help"])).stdout.includes(flag);
}

export interface MeasuredOperator {
  pid: number;
  /** When the process was started, and when it had all caches; milliseconds since the epoch. */
  started: number;
  synced: number;
  log(): string;
  /** Ends it, and returns when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface OperatorOptions {
  flags?: string[];
  /** Runs the sources instead of the bundle. */
  unbundled?: boolean;
  /** Folder for a CPU profile. */
  profile?: string | undefined;
}

let count = 0;

function profileFlags(profile: string | undefined): string[] {
  if (profile === undefined) return [];
  mkdirSync(profile, { recursive: true });
  return ["--cpu-prof", `--cpu-prof-dir=${resolve(profile)}`];
}

/** Starts the operator on the whole cluster, and returns when its caches are synced. */
export async function startMeasured(
  { cluster, program, context }: { cluster: Cluster; program: Program; context: Omit<StartContext, "dir"> },
  { flags = [], unbundled = false, profile }: OperatorOptions = {},
): Promise<MeasuredOperator> {
  count += 1;
  const dir = dirname(cluster.kubeconfig);
  const name = `operator-${count}`;
  const started = Date.now();
  let stopping = false;
  /** Its end is news only when nobody asked for it. */
  const logEnd = (line: string) => {
    if (!stopping) context.log(line);
  };
  const { pid, ended, tail } = startProcess(
    { ...context, dir, log: logEnd },
    {
      name,
      command: process.execPath,
      args: [
        ...program.nodeFlags,
        ...profileFlags(profile),
        unbundled ? program.source : program.bundle,
        "run",
        "--kubeconfig",
        kubeconfigOf(cluster, "operator"),
        ...program.flags,
        ...flags,
      ],
      env: { NODE_ENV: "production" },
    },
  );
  const log = () => readFileSync(join(dir, `${name}.log`), "utf8");
  const synced = await waitUntil(
    () => {
      if (ended()) throw new Error(`it ${ended()}`);
      return syncedAt(log());
    },
    { for: "the operator's caches to be synced", timeout: 120_000, every: 10, details: tail, signal: context.signal },
  );
  return {
    pid,
    started,
    synced,
    log,
    async stop(signal = "SIGTERM") {
      stopping = true;
      if (isAlive(pid)) process.kill(pid, signal);
      await waitUntil(() => ended() !== undefined, { for: "the operator to end", timeout: 30_000, every: 10 });
    },
  };
}

function syncedAt(log: string): number | undefined {
  const line = log.split("\n").find((each) => each.includes('"caches synced"'));
  return line === undefined ? undefined : Date.parse((JSON.parse(line) as { time: string }).time);
}

/** Waits until the process has rested for a second; returns when that second began, in milliseconds since the epoch. */
export async function restedAt(pid: number): Promise<number> {
  const every = 100;
  let since = Date.now();
  let before = cpuSeconds(pid);
  while (Date.now() - since < 1000) {
    await delay(every);
    const now = cpuSeconds(pid);
    // A hundredth of a second is what /proc can tell.
    if (now - before > 0.02) since = Date.now();
    before = now;
  }
  return since;
}
