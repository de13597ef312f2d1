// Resident memory of an operator that has started and come to rest.
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { type OperatorOptions, restedAt } from "../operator.ts";
import { populate } from "../population.ts";
import { short } from "../report.ts";
import { peakResidentMiB, residentMiB } from "../usage.ts";

/** How long it may take to give memory back, in milliseconds. */
const rest = 20_000;

async function residentOf(bench: Bench, options: OperatorOptions): Promise<{ now: number; peak: number }> {
  const operator = await bench.startOperator(options);
  await restedAt(operator.pid);
  await delay(rest);
  const memory = { now: residentMiB(operator.pid), peak: peakResidentMiB(operator.pid) };
  await operator.stop();
  return memory;
}

/** A namespace without servers, to measure an operator that has none while others are there. */
const nothing = ["--namespace", "kube-public"];

export async function run(bench: Bench): Promise<void> {
  for (const [times, bar] of [
    [0, 90],
    [2, 150],
    [5, 250],
  ] as const) {
    const servers = times * bench.options.servers;
    const flags = times === 0 ? nothing : [];
    if (times > 0) await populate(bench, servers);
    const bundle = await residentOf(bench, { flags });
    const sources = await residentOf(bench, { flags, unbundled: true });
    bench.record({
      part: "memory",
      measure: `resident memory with ${servers} servers`,
      unit: "MiB",
      value: bundle.now,
      bar,
      where: [
        `peak ${short(bundle.peak)} MiB; not bundled: ${short(sources.now)} MiB, peak ${short(sources.peak)} MiB`,
      ],
    });
  }
}
