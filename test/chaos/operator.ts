// The operator under test: a process of its own that never outlives the suite. On Linux the kernel kills it with its starter,
// however that ends; elsewhere it is killed when the suite exits or is interrupted.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";

export interface Operator {
  process: ChildProcess;
  /** Everything that it has said. */
  log(): string;
  alive(): boolean;
  /** Resolves when it has ended. */
  ended: Promise<unknown>;
  /** Resolves when it works: its caches are synced. */
  synced(): Promise<void>;
  /** Sends the signal; resolves when it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const main = join(root, "operator/main.ts");
const dyingWithUs = process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL"] : [];

/** Starts the operator against the API server of the kubeconfig. */
export function startOperator(kubeconfig: string, flags: readonly string[] = []): Operator {
  const [program = "", ...args] = [...dyingWithUs, process.execPath, main, "run", "--kubeconfig", kubeconfig, ...flags];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = once(child, "exit").finally(() => running.delete(child));
  const alive = () => child.exitCode === null && child.signalCode === null;
  return {
    process: child,
    log: () => output,
    alive,
    ended,
    synced: async () => {
      await eventually(
        "the operator works",
        () => {
          if (!alive()) throw new Error(`it has ended:\n${output.slice(-2000)}`);
          return output.includes('"caches synced"');
        },
        60,
      );
    },
    async kill(signal) {
      if (!alive()) return;
      child.kill(signal);
      await ended;
    },
  };
}
