// Runs the operator as its users do: a process of its own, told where the cluster is.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually } from "./wait.ts";

const main = fileURLToPath(new URL("../../operator/main.ts", import.meta.url));

export interface RunningOperator {
  /** Everything that it has logged. */
  log(): string;
  /** SIGTERM, or what is given; returns when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  process: ChildProcess;
}

/** Starts the operator and waits until its caches are synced. */
export async function startOperator(kubeconfig: string, ...flags: string[]): Promise<RunningOperator> {
  const child = spawn(process.execPath, [main, "run", "--kubeconfig", kubeconfig, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const mirror = process.env.ANYPOD_TEST_LOG;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (mirror) process.stderr.write(text);
    });
  const ended = once(child, "exit");
  await eventually("the operator's caches are synced", () => {
    if (child.exitCode !== null) throw new Error(`the operator ended:\n${output}`);
    return output.includes("caches synced");
  });
  return {
    log: () => output,
    process: child,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await ended;
    },
  };
}
