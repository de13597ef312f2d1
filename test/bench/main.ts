// `npm run bench`: one control plane with fake nodes, or where a part needs them a cluster with pods; the parts one after
// another, one table at the end.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { startCluster } from "../cluster/index.ts";
import type { Mode } from "../cluster/providers.ts";
import { messageOf } from "../cluster/wait.ts";
import { installCrd } from "../support/kube.ts";
import { type Bench, createBench } from "./bench.ts";
import { operatorProgram } from "./operator.ts";
import { type Options, type PartName, readOptions } from "./options.ts";
import { asJson, loadAverage, type Measure, machineFacts, markdown, table } from "./report.ts";

const parts: Record<PartName, () => Promise<{ run: (bench: Bench) => Promise<void> }>> = {
  create: () => import("./parts/create.ts"),
  alone: () => import("./parts/alone.ts"),
  change: () => import("./parts/change.ts"),
  drift: () => import("./parts/drift.ts"),
  steady: () => import("./parts/steady.ts"),
  poison: () => import("./parts/poison.ts"),
  restart: () => import("./parts/restart.ts"),
  memory: () => import("./parts/memory.ts"),
  churn: () => import("./parts/churn.ts"),
  leader: () => import("./parts/leader.ts"),
  routing: () => import("./parts/routing.ts"),
};
const modeOf = (part: PartName): Mode => (part === "routing" ? "pods" : "fake-pods");

const began = Date.now();
const abort = new AbortController();
const interrupted = abort.signal;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    if (!interrupted.aborted) say("ending what has been started …");
    abort.abort();
  });

const say = (line: string) => console.error(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);

async function runPart(bench: Bench, name: PartName, measures: Measure[]): Promise<void> {
  say(`── ${name} (load ${loadAverage()}) ──`);
  try {
    const { run } = await parts[name]();
    await run(bench);
  } catch (error) {
    if (interrupted.aborted) return;
    say(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    measures.push({ part: name, measure: "failed", unit: "s", where: [messageOf(error).split("\n")[0] ?? ""] });
  }
}

/** Runs the parts; one that fails doesn't keep the others from running. */
async function runParts(bench: Bench, names: PartName[], measures: Measure[]): Promise<void> {
  for (const name of names) if (!interrupted.aborted) await runPart(bench, name, measures);
}

function report(options: Options, kubernetes: string, measures: Measure[]): void {
  const machine = machineFacts(kubernetes, options.servers);
  const file = resolve(options.json);
  writeFileSync(file, `${JSON.stringify(asJson(machine, measures), null, 2)}\n`);
  writeFileSync(file.replace(/(\.json)?$/, ".md"), `${markdown(measures)}\n`);
  console.log(`\n${table(measures)}\n`);
  console.log(
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, Kubernetes ${kubernetes}, Node ${machine.node}`,
  );
  console.log(`written to ${file}`);
}

/** What must be done at the end, the last first. */
async function cleanUp(cleanups: (() => Promise<void> | void)[]): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse())
    await Promise.resolve(cleanup()).catch((error: unknown) => say(`clean-up: ${messageOf(error)}`));
}

/** Runs parts on a cluster of this mode; returns its version of Kubernetes. */
async function onCluster([mode, names]: [Mode, PartName[]], options: Options, measures: Measure[]): Promise<string> {
  const cleanups: (() => Promise<void> | void)[] = [];
  try {
    const name = `bench-${process.pid}`;
    const cluster = await startCluster({ mode, name, log: say, signal: interrupted });
    cleanups.push(cluster.stop);
    await installCrd(cluster.kubeconfig);
    const program = await operatorProgram(options.operator, options.nodeFlags);
    const context = { name, log: say, signal: interrupted, onEnd: (cleanup: () => void) => cleanups.push(cleanup) };
    const bench = createBench({ options, cluster, program, say, context, record: (measure) => measures.push(measure) });
    const { gitVersion } = await bench.user.json<{ gitVersion: string }>({ path: "/version" });
    const end = new Promise((resolve) => interrupted.addEventListener("abort", resolve));
    await Promise.race([runParts(bench, names, measures), end]);
    return gitVersion;
  } finally {
    await cleanUp(cleanups);
  }
}

async function main(options: Options): Promise<number> {
  const measures: Measure[] = [];
  let kubernetes = "";
  for (const group of Map.groupBy(options.parts, modeOf))
    if (!interrupted.aborted) kubernetes = await onCluster(group, options, measures);
  if (measures.length > 0) report(options, kubernetes, measures);
  return interrupted.aborted ? 130 : 0;
}

try {
  const options = readOptions();
  // Parts that were interrupted may still be waiting for something.
  if (options) process.exit(await main(options));
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exit(2);
}
