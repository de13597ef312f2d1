// A new operator process where everything is as it should be: what it writes, and when it is ready.
import { isRead, isServerWrite } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { restedAt } from "../operator.ts";
import { populate } from "../population.ts";
import { short } from "../report.ts";
import { cpuSeconds } from "../usage.ts";

async function measure(bench: Bench, servers: number): Promise<void> {
  await populate(bench, servers);
  const read = bench.operatorRequests();
  const operator = await bench.startOperator({ profile: bench.options.profile });
  const rested = await restedAt(operator.pid);
  const cpu = cpuSeconds(operator.pid);
  const events = read();
  await operator.stop();
  const writes = events.filter(isServerWrite);
  const lists = events.filter(({ verb }) => verb === "list");
  const inLists = lists.reduce((total, { received, answered }) => total + answered - received, 0) / 1000;
  const about = `restart with ${servers} servers`;
  bench.record({ part: "restart", measure: `${about}: writes`, unit: "", value: writes.length, bar: 0 });
  bench.record({
    part: "restart",
    measure: `${about}: ready, queue drained`,
    unit: "s",
    value: (rested - operator.started) / 1000,
    bar: 15,
    where: [
      `caches synced after ${short((operator.synced - operator.started) / 1000)} s, the queue drained ${short((rested - operator.synced) / 1000)} s later; ` +
        `${short(cpu)} CPU seconds; ${lists.length} list pages (${short(inLists)} s in the API server), ${events.filter(isRead).length - lists.length} single reads`,
    ],
  });
}

export async function run(bench: Bench): Promise<void> {
  for (const times of [2, 5]) await measure(bench, times * bench.options.servers);
}
