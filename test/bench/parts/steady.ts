// A minute in which nothing happens.
import { setTimeout as delay } from "node:timers/promises";
import { isRead, isWatch, isWrite } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { restedAt } from "../operator.ts";
import { populate } from "../population.ts";
import { short } from "../report.ts";
import { meter } from "../usage.ts";

const seconds = 60;

export async function run(bench: Bench): Promise<void> {
  const { servers } = bench.options;
  await populate(bench, servers);
  const operator = await bench.startOperator();
  await restedAt(operator.pid);
  await bench.settled();
  const read = bench.operatorRequests();
  const stop = meter({ operator: operator.pid });
  bench.say(`watching it rest for ${seconds} s`);
  await delay(seconds * 1000);
  const { cpu, wall } = stop();
  const events = read();
  await operator.stop();
  const percent = (100 * (cpu.operator ?? 0)) / wall;
  const about = `steady, ${servers} Ready servers, ${seconds} s`;
  const of = (what: typeof events) => [...new Set(what.map(({ verb, resource }) => `${verb} ${resource}`))].join(", ");
  const [writes, reads, watches] = [events.filter(isWrite), events.filter(isRead), events.filter(isWatch)];
  bench.record({
    part: "steady",
    measure: `${about}: writes`,
    unit: "",
    value: writes.length,
    bar: 0,
    where: [of(writes)].filter(Boolean),
  });
  bench.record({
    part: "steady",
    measure: `${about}: reads that are no watches`,
    unit: "",
    value: reads.length,
    bar: 0,
    where: [`${of(reads) || "none"}; ${watches.length} watches ended by the API server and taken up again`],
  });
  bench.record({
    part: "steady",
    measure: `${about}: CPU, of a core`,
    unit: "%",
    value: percent,
    bar: 1,
    where: [`${short(cpu.operator ?? 0)} CPU seconds`],
  });
}
