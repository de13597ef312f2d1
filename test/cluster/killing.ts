// Starting a cluster from a process of its own, to kill that, and waiting until nothing is left: for the tests of clean-up.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { leftovers } from "./leftovers.ts";
import type { Mode } from "./providers.ts";
import { waitUntil } from "./wait.ts";

export interface Starter {
  kill: ChildProcess["kill"];
  kubectl: string;
  kubeconfig: string;
}

/** The process ends with the test. Returns when the cluster is ready, or (`ready: false`) as soon as something of it runs. */
export async function startedElsewhere(mode: Mode, name: string, { ready } = { ready: true }): Promise<Starter> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "starter.ts"), mode, name], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const starter: Starter = { kill: (signal) => child.kill(signal), kubectl: "", kubeconfig: "" };
  let errors = "";
  child.stderr.on("data", (text: Buffer) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) Object.assign(starter, JSON.parse(line));
  });
  const begun = () => (ready ? starter.kubectl !== "" : leftovers(name, []).length > 2);
  await waitUntil(begun, { for: `the cluster "${name}" to start`, timeout: 50_000, every: 20, details: () => errors });
  return starter;
}

export async function nothingIsLeft(name: string, namespaces: string[]): Promise<void> {
  await waitUntil(() => leftovers(name, namespaces).length === 0, {
    for: `the cluster "${name}" to be gone`,
    timeout: 20_000,
    details: () => leftovers(name, namespaces).join("\n"),
  });
}
