// Servers come, change and go for as long as told: does memory grow.
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { short } from "../report.ts";
import { changeSpec, createServer, createServers, serverNames, serverPath } from "../servers.ts";
import { percentile, slope } from "../statistics.ts";
import { residentMiB } from "../usage.ts";

/** Servers that are there at any time. */
const alive = 100;
/** Milliseconds between two events. */
const every = 100;
/** Of a run that is too short to tell growth from a heap that finds its size. */
const shortest = 30;

interface Sample {
  /** Hours. */
  x: number;
  /** MiB. */
  y: number;
}

/** One server goes, a new one comes, a third one changes. */
async function turn({ user }: Bench, namespace: string, index: number): Promise<void> {
  const oldest = `server-${index}`;
  const path = serverPath(namespace, oldest);
  if (index % 3 === 0)
    await changeSpec(user, { namespace, name: `server-${index + alive - 1}` }, { port: 8081 + (index % 100) });
  await user.json({ method: "DELETE", path });
  await createServer(user, namespace, `server-${index + alive}`);
}

async function churn(bench: Bench, namespace: string): Promise<Sample[]> {
  const operator = await bench.startOperator();
  await createServers(bench.user, namespace, serverNames(alive));
  const samples: Sample[] = [];
  const began = Date.now();
  const end = began + bench.options.minutes * 60_000;
  for (let index = 0; Date.now() < end; index++) {
    await turn(bench, namespace, index);
    if (index % 10 === 0) samples.push({ x: (Date.now() - began) / 3_600_000, y: residentMiB(operator.pid) });
    if (index % 300 === 0) bench.say(`${index} servers came and went, ${short(residentMiB(operator.pid))} MiB`);
    await delay(every);
  }
  await operator.stop();
  return samples;
}

export async function run(bench: Bench): Promise<void> {
  const { minutes } = bench.options;
  const namespace = "churn";
  const samples = await bench.inNamespace(namespace, () => churn(bench, namespace));
  // The first third is the heap finding its size.
  const late = samples.slice(Math.floor(samples.length / 3));
  const [early, last] = [late.slice(0, late.length / 4), late.slice(-late.length / 4)];
  const middle = (values: Sample[]) =>
    short(
      percentile(
        values.map(({ y }) => y),
        0.5,
      ),
    );
  bench.record({
    part: "churn",
    measure: `growth of resident memory, ${minutes} min of churn`,
    unit: "MiB/h",
    value: slope(late),
    ...(minutes >= shortest && { bar: 10 }),
    where: [
      `median ${middle(early)} MiB after a third of the time, ${middle(last)} MiB at the end`,
      ...(minutes >= shortest ? [] : [`too short to judge: run "npm run bench -- churn --minutes 60"`]),
    ],
  });
}
