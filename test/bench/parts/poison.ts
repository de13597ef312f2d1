// One server whose Deployment the API server refuses: what do the others feel.
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { changeSpec, createServer, createServers, serverNames, smallest } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { changeTimes } from "./change.ts";
import { lastObjectTimes, untilAllWritten } from "./create.ts";

const poison = "poison";
const poisoned = { ...smallest, template: { spec: { restartPolicy: "Sometimes" } } };
/** Milliseconds between two changes of the poison server, so that there is always work on it. */
const every = 500;

/** Changes the poison server's spec again and again, until told to stop. */
function stir({ user }: Bench, namespace: string): () => Promise<void> {
  let stopped = false;
  const stirring = (async () => {
    for (let round = 0; !stopped; round++) {
      await changeSpec(user, { namespace, name: poison }, { port: 9000 + (round % 100) });
      await delay(every);
    }
  })();
  return async () => {
    stopped = true;
    await stirring;
  };
}

interface Felt {
  /** p99 from a server's creation to its last object, when all are created at once; seconds. */
  created: number;
  /** p99 from a change to the Deployment; milliseconds. */
  changed: number;
}

async function measure(bench: Bench, namespace: string, isPoisoned: boolean): Promise<Felt> {
  const names = serverNames(bench.options.servers);
  const operator = await bench.startOperator();
  const read = bench.operatorRequests();
  const readCreations = bench.floorRequests(namespace);
  if (isPoisoned) await createServer(bench.user, namespace, poison, poisoned);
  const stop = isPoisoned ? stir(bench, namespace) : undefined;
  await createServers(bench.user, namespace, names);
  const writes = await untilAllWritten(bench, read, names.length);
  const last = lastObjectTimes(writes);
  const waits = readCreations()
    .filter(({ verb, resource, name }) => verb === "create" && resource === "mcpservers" && name !== poison)
    .map(({ name, answered }) => ((last.get(name) ?? Number.NaN) - answered) / 1000);
  await stop?.();
  await bench.settled();
  const again = isPoisoned ? stir(bench, namespace) : undefined;
  const changes = await changeTimes(bench, { namespace, names }, { count: bench.options.samples });
  await again?.();
  await operator.stop();
  return { created: percentile(waits, 0.99), changed: percentile(changes, 0.99) };
}

export async function run(bench: Bench): Promise<void> {
  const { servers, samples } = bench.options;
  const inTurn = async (name: string, isPoisoned: boolean) => {
    await bench.settled();
    bench.say(`${servers} servers ${isPoisoned ? "and a poison one" : "alone"}`);
    return bench.inNamespace(name, () => measure(bench, name, isPoisoned));
  };
  const without = await inTurn("healthy", false);
  const beside = await inTurn("poisoned", true);
  const common = { part: "poison", bar: 1.2, barOnRatio: true };
  bench.record({
    ...common,
    measure: `p99 of ${servers} created at once, beside a poison server (floor: without)`,
    unit: "s",
    value: beside.created,
    floor: without.created,
    where: [`the poison server's spec changes every ${every} ms, and the API server refuses its Deployment each time`],
  });
  bench.record({
    ...common,
    measure: `p99 of ${samples} spec changes, beside a poison server (floor: without)`,
    unit: "ms",
    value: beside.changed,
    floor: without.changed,
  });
}
