// Servers created at once: how long until all their objects are there, against a bare loop of the same writes.
import { setTimeout as delay } from "node:timers/promises";
import { type AuditEvent, isChildWrite, isServerWrite, succeeded } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { childWrites, statusWrite, type Write, write, writeServers } from "../floor.ts";
import { short } from "../report.ts";
import { concurrency, createServers, objectsPerServer, type ServerObject, serverNames } from "../servers.ts";
import { percentile, sum } from "../statistics.ts";
import { meter, type Used } from "../usage.ts";

interface Run {
  seconds: number;
  /** The writes of the one that is measured. */
  writes: AuditEvent[];
  /** Seconds from the beginning to the last object of each server. */
  lastObjects: number[];
  used: Used;
}

/** Waits until the operator has written all objects of so many servers; returns all its writes. */
export async function untilAllWritten(bench: Bench, read: () => AuditEvent[], servers: number): Promise<AuditEvent[]> {
  const wanted = servers * objectsPerServer;
  const writes: AuditEvent[] = [];
  let told = Date.now();
  for (let before = -1, idleSince = Date.now(); ; await delay(250)) {
    writes.push(...read().filter(isServerWrite));
    const done = writes.filter((event) => isChildWrite(event) && succeeded(event)).length;
    if (done >= wanted) return writes;
    if (done > before) idleSince = Date.now();
    before = done;
    if (Date.now() - idleSince > 60_000) throw new Error(`the operator stopped at ${done} of ${wanted} objects`);
    if (Date.now() - told < 10_000) continue;
    told = Date.now();
    bench.say(`${done} of ${wanted} objects`);
  }
}

/** When each server's last object was there, in milliseconds since the epoch, by the server's name. */
export function lastObjectTimes(writes: AuditEvent[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { name, answered } of writes.filter((event) => isChildWrite(event) && succeeded(event))) {
    // Objects are named after their server, some with a hash behind.
    const server = name.match(/^[a-z]+-\d+/)?.[0] ?? name;
    times.set(server, Math.max(times.get(server) ?? 0, answered));
  }
  return times;
}

function runOf(writes: AuditEvent[], began: number, used: Used): Run {
  const lastObjects = [...lastObjectTimes(writes).values()].map((time) => (time - began) / 1000);
  return { seconds: Math.max(...lastObjects), writes, lastObjects, used };
}

/** What a run's time went into. */
function where(who: string, { seconds, writes, lastObjects, used }: Run): string[] {
  const status = writes.filter(({ subresource }) => subresource === "status").length;
  const failed = writes.filter((event) => !succeeded(event)).length;
  const inFlight = sum(writes.map(({ received, answered }) => answered - received)) / 1000 / seconds;
  const cpu = Object.entries(used.cpu).map(([name, spent]) => `${name} ${short(spent)}`);
  const [p50, p99] = [percentile(lastObjects, 0.5), percentile(lastObjects, 0.99)];
  return [
    `${who}: ${short((writes.length - status - failed) / seconds)} objects/s, ${writes.length} writes (${status} of status, ${failed} refused)`,
    `${who}: last object of a server p50 ${short(p50)} s, p99 ${short(p99)} s; ${short(inFlight)} requests in the API server on average`,
    `${who}: CPU seconds ${cpu.join(", ")}, of ${short(used.wall)} s`,
  ];
}

async function created(bench: Bench, namespace: string): Promise<ServerObject[]> {
  const servers: ServerObject[] = [];
  await createServers(bench.user, namespace, serverNames(bench.options.servers), (server) => servers.push(server));
  await bench.settled();
  return servers;
}

const allWrites = (events: AuditEvent[]) =>
  events.filter((event) => isServerWrite(event) && (isChildWrite(event) || event.subresource === "status"));

/** All servers are there before the loop begins. */
async function floorOfBacklog(bench: Bench, namespace: string): Promise<Run> {
  const servers = await created(bench, namespace);
  return bench.withoutControllers(async () => {
    const read = bench.floorRequests(namespace);
    const stop = meter({ client: process.pid, ...bench.plane });
    const began = Date.now();
    await writeServers(bench.floor, servers);
    return runOf(allWrites(read()), began, stop());
  });
}

async function backlog(bench: Bench, namespace: string): Promise<Run> {
  const servers = await created(bench, namespace);
  return bench.withoutControllers(async () => {
    const read = bench.operatorRequests();
    const operator = await bench.startOperator({ profile: bench.options.profile });
    const stop = meter({ operator: operator.pid, ...bench.plane });
    const writes = await untilAllWritten(bench, read, servers.length);
    const used = stop();
    await operator.stop();
    return runOf(writes, operator.synced, used);
  });
}

/** Servers come as fast as the API server takes them, and the loop writes the objects of those that are there. */
async function floorOfLive(bench: Bench, namespace: string): Promise<Run> {
  const pending: Write[] = [];
  let creating = true;
  const worker = async () => {
    while (creating || pending.length > 0) {
      const next = pending.shift();
      await (next ? write(bench.floor, next) : delay(1));
    }
  };
  const read = bench.floorRequests(namespace);
  const stop = meter({ client: process.pid, ...bench.plane });
  const began = Date.now();
  const workers = Array.from({ length: concurrency }, worker);
  await createServers(bench.user, namespace, serverNames(bench.options.servers), (server) =>
    pending.push(...childWrites(server), statusWrite(server)),
  );
  creating = false;
  await Promise.all(workers);
  return runOf(allWrites(read()), began, stop());
}

async function live(bench: Bench, namespace: string): Promise<Run> {
  const operator = await bench.startOperator();
  const names = serverNames(bench.options.servers);
  const read = bench.operatorRequests();
  const stop = meter({ operator: operator.pid, ...bench.plane });
  const began = Date.now();
  await createServers(bench.user, namespace, names);
  const writes = await untilAllWritten(bench, read, names.length);
  const used = stop();
  await operator.stop();
  return runOf(writes, began, used);
}

type Measured = (bench: Bench, namespace: string) => Promise<Run>;

interface Pair {
  floor: Run;
  operator: Run;
}

async function measure(bench: Bench, title: string, [floorOf, operatorOf]: [Measured, Measured]): Promise<Pair> {
  const inTurn = async (who: string, run: Measured) => {
    await bench.settled();
    bench.say(`${title}: ${who}`);
    const namespace = `${who}-${title}`;
    const outcome = await bench.inNamespace(namespace, () => run(bench, namespace));
    for (const line of where(who, outcome)) bench.say(line);
    return outcome;
  };
  return { floor: await inTurn("floor", floorOf), operator: await inTurn("anypod", operatorOf) };
}

const ratio = ({ floor, operator }: Pair) => operator.seconds / floor.seconds;

/** Measures in rounds, and records the one whose ratio is the median. */
async function compare(bench: Bench, title: string, runs: [Measured, Measured]): Promise<void> {
  const rounds: Pair[] = [];
  for (let round = 0; round < bench.options.rounds; round++) rounds.push(await measure(bench, title, runs));
  const sorted = rounds.toSorted((a, b) => ratio(a) - ratio(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (!middle) return;
  const all = rounds.map((each) => `${ratio(each).toFixed(2)}×`).join(", ");
  bench.record({
    part: "create",
    measure: `${bench.options.servers} servers at once (${title}): all objects there`,
    unit: "s",
    value: middle.operator.seconds,
    floor: middle.floor.seconds,
    bar: 1.3,
    barOnRatio: true,
    where: [
      ...where("floor", middle.floor),
      ...where("anypod", middle.operator),
      ...(rounds.length > 1 ? [`of ${rounds.length} rounds: ${all}`] : []),
    ],
  });
}

export async function run(bench: Bench): Promise<void> {
  await compare(bench, "backlog", [floorOfBacklog, backlog]);
  await compare(bench, "live", [floorOfLive, live]);
}
