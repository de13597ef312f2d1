// One server while nothing else happens: created → its last object; and all that is written until it is Ready.
import { setTimeout as delay } from "node:timers/promises";
import { serverLabel } from "../../../operator/desired/labels.ts";
import { secrets, workloadKinds } from "../../../operator/reconcile/kinds.ts";
import { waitUntil } from "../../cluster/wait.ts";
import { type AuditEvent, isChildWrite, isServerWrite, succeeded } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { childWrites, type Write, write } from "../floor.ts";
import { short } from "../report.ts";
import { countReady, createServer, objectsPerServer, type ServerObject, serverNames } from "../servers.ts";
import { median, percentile } from "../statistics.ts";
import { type Watching, watchKinds } from "../watching.ts";

/** Milliseconds between two servers, so that each one is alone. */
const pause = 400;

const kinds = [...workloadKinds, secrets];

/** Resolves when the last object of a server has been seen. */
function lastObject(watching: Watching, server: string) {
  let seen = 0;
  return watching.next(`the objects of ${server}`, ({ type, object }) => {
    if (type === "ADDED" && object.metadata.labels?.[serverLabel] === server) seen += 1;
    return seen === objectsPerServer;
  });
}

type Writer = (server: ServerObject) => Promise<unknown>;

/** Milliseconds from a server's creation to its last object; `writer` makes the objects, when the operator doesn't. */
async function timesOf(bench: Bench, namespace: string, names: string[], writer?: Writer): Promise<number[]> {
  const watching = await watchKinds(bench.user, kinds, namespace);
  const times: number[] = [];
  for (const name of names) {
    const last = lastObject(watching, name);
    const server = await createServer(bench.user, namespace, name);
    const began = performance.now();
    await writer?.(server);
    times.push((await last).at - began);
    await delay(pause);
  }
  watching.stop();
  return times;
}

const second = new Set(["Deployment", "HorizontalPodAutoscaler"]);

function floorWriters({ floor }: Bench): Record<"sequence" | "waves", Writer> {
  const all = (writes: Write[]) => Promise.all(writes.map((each) => write(floor, each)));
  return {
    async sequence(server) {
      for (const each of childWrites(server)) await write(floor, each);
    },
    async waves(server) {
      const writes = childWrites(server);
      await all(writes.filter(({ type }) => !second.has(type.kind)));
      await all(writes.filter(({ type }) => second.has(type.kind)));
    },
  };
}

const key = ({ namespace, name }: AuditEvent) => `${namespace}/${name.match(/^[a-z]+-\d+/)?.[0] ?? name}`;

/** When each kind's write began and ended, after the server's creation was answered: medians. */
function timeline(creations: AuditEvent[], writes: AuditEvent[]): string {
  const createdAt = new Map(creations.map((event) => [key(event), event.answered]));
  const byResource = new Map<string, { from: number[]; to: number[] }>();
  for (const event of writes) {
    const began = createdAt.get(key(event));
    if (began === undefined) continue;
    const times = byResource.get(event.resource) ?? { from: [], to: [] };
    byResource.set(event.resource, times);
    times.from.push(event.received - began);
    times.to.push(event.answered - began);
  }
  const spans = [...byResource].map(([resource, { from, to }]) => ({ resource, from: median(from), to: median(to) }));
  return spans
    .sort((a, b) => a.from - b.from)
    .map(({ resource, from, to }) => `${resource} ${from.toFixed(1)}–${to.toFixed(1)}`)
    .join(", ");
}

/** How often what was written, a server. */
function byKind(writes: AuditEvent[], servers: number): string {
  const counts = new Map<string, number>();
  for (const event of writes) {
    const what = `${event.verb} ${event.resource}${event.subresource && `/${event.subresource}`}`;
    const name = succeeded(event) ? what : `${what} (${event.code})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} ${short(count / servers)}`).join(", ");
}

export async function run(bench: Bench): Promise<void> {
  const names = serverNames(Math.max(5, Math.ceil(bench.options.samples / 4)));
  const writers = floorWriters(bench);
  const floorOf = (how: keyof typeof writers) =>
    bench.inNamespace(`alone-${how}`, () => timesOf(bench, `alone-${how}`, names, writers[how]));
  const sequence = await floorOf("sequence");
  await bench.settled();
  const waves = await floorOf("waves");
  await bench.settled();

  const namespace = "alone";
  await bench.inNamespace(namespace, async () => {
    const operator = await bench.startOperator();
    const read = bench.operatorRequests();
    const readCreations = bench.floorRequests(namespace);
    const times = await timesOf(bench, namespace, names);
    const creations = readCreations().filter(({ verb, resource }) => verb === "create" && resource === "mcpservers");
    await waitUntil(async () => (await countReady(bench.user, namespace)) === names.length, {
      for: "all servers to be Ready",
      timeout: 120_000,
      every: 500,
    });
    await delay(2000);
    const writes = read().filter((event) => event.namespace === namespace && isServerWrite(event));
    await operator.stop();
    bench.record({
      part: "alone",
      measure: `one server alone: created → its ${objectsPerServer}th object, median of ${names.length}`,
      unit: "ms",
      value: median(times),
      floor: median(waves),
      bar: 40,
      where: [
        `floor: in the operator's waves; one after another ${short(median(sequence))} ms`,
        `p99 ${short(percentile(times, 0.99))} ms; floor ${short(percentile(waves, 0.99))} ms`,
        `ms after the creation was answered: ${timeline(creations, writes.filter(isChildWrite))}`,
      ],
    });
    bench.record({
      part: "alone",
      measure: "writes a server until it is Ready",
      unit: "",
      value: writes.length / names.length,
      floor: objectsPerServer,
      bar: objectsPerServer + 2,
      where: [byKind(writes, names.length)],
    });
  });
}
