// `npm run bench`: one control plane with fake nodes, the parts one after another, one table at the end.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { startCluster } from "../cluster/index.ts";
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
};

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
async function runParts(bench: Bench, measures: Measure[]): Promise<void> {
  for (const name of bench.options.parts) if (!interrupted.aborted) await runPart(bench, name, measures);
}

function report(bench: Bench, kubernetes: string, measures: Measure[]): void {
  const machine = machineFacts(kubernetes, bench.options.servers);
  const file = resolve(bench.options.json);
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

async function main(options: Options): Promise<number> {
  const cleanups: (() => Promise<void> | void)[] = [];
  const measures: Measure[] = [];
  try {
    const name = `bench-${process.pid}`;
    const cluster = await startCluster({ mode: "fake-pods", name, log: say, signal: interrupted });
    cleanups.push(cluster.stop);
    await installCrd(cluster.kubeconfig);
    const program = await operatorProgram(options.operator, options.nodeFlags);
    const context = { name, log: say, signal: interrupted, onEnd: (cleanup: () => void) => cleanups.push(cleanup) };
    const bench = createBench({ options, cluster, program, say, context, record: (measure) => measures.push(measure) });
    const { gitVersion } = await bench.user.json<{ gitVersion: string }>({ path: "/version" });
    const end = new Promise((resolve) => interrupted.addEventListener("abort", resolve));
    await Promise.race([runParts(bench, measures), end]);
    if (measures.length > 0) report(bench, gitVersion, measures);
  } finally {
    await cleanUp(cleanups);
  }
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
