// Somebody deletes an object, or takes a field over: how soon is it back.
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { serverLabel } from "../../../operator/desired/labels.ts";
import { collectionPath, type ResourceType } from "../../../operator/kube/resource.ts";
import { secrets, workloadKinds } from "../../../operator/reconcile/kinds.ts";
import { waitUntil } from "../../cluster/wait.ts";
import type { Bench } from "../bench.ts";
import { childWrites, write } from "../floor.ts";
import { short } from "../report.ts";
import { countReady, createServer, type ServerObject, serverNames, serverPath, smallest } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type SeenEvent, type Watching, watchKinds } from "../watching.ts";

/** Milliseconds between two disturbances. */
const pause = 200;
const servers = 5;
const kinds = [...workloadKinds, secrets];

/** A field of each kind that anypod sets, and what somebody makes of it. */
const thefts: Record<string, { path: string[]; value: unknown }> = {
  ServiceAccount: { path: ["automountServiceAccountToken"], value: true },
  Service: { path: ["spec", "sessionAffinity"], value: "ClientIP" },
  NetworkPolicy: { path: ["spec", "ingress"], value: [] },
  HorizontalPodAutoscaler: { path: ["spec", "maxReplicas"], value: 3 },
  PodDisruptionBudget: { path: ["spec", "maxUnavailable"], value: 0 },
  Deployment: { path: ["spec", "revisionHistoryLimit"], value: 7 },
  Secret: { path: ["data", "key"], value: "c3RvbGVu" },
};

type Object = SeenEvent["object"];
const valueAt = (object: Object, path: string[]): unknown =>
  path.reduce<unknown>((value, field) => (value as Record<string, unknown> | undefined)?.[field], object);
const nested = (path: string[], value: unknown): unknown =>
  path.reduceRight<unknown>((inner, field) => ({ [field]: inner }), value);

interface Place {
  bench: Bench;
  watching: Watching;
  namespace: string;
}

async function childOf({ bench, namespace }: Place, type: ResourceType, server: string): Promise<Object> {
  const { items } = await bench.user.json<{ items: Object[] }>({
    path: collectionPath(type, namespace),
    query: { labelSelector: `${serverLabel}=${server}` },
  });
  const [child] = items;
  if (!child) throw new Error(`${server} has no ${type.kind}`);
  return child;
}

const isThe = (type: ResourceType, { metadata }: Object, object: Object) =>
  object.kind === type.kind && object.metadata.name === metadata.name;

type Disturb = (
  place: Place,
  type: ResourceType,
  child: Object,
) => Promise<{ answered: number; back: Promise<SeenEvent> }>;

const deleted: Disturb = async ({ bench, watching, namespace }, type, child) => {
  const back = watching.next(
    `${type.kind} again`,
    (event) => event.type === "ADDED" && isThe(type, child, event.object),
  );
  await bench.user.json({ method: "DELETE", path: `${collectionPath(type, namespace)}/${child.metadata.name}` });
  return { answered: performance.now(), back };
};

const stolen: Disturb = async ({ bench, watching, namespace }, type, child) => {
  const theft = thefts[type.kind];
  if (!theft) throw new Error(`nothing to steal from a ${type.kind}`);
  const before = valueAt(child, theft.path);
  let taken = false;
  const back = watching.next(`${type.kind}.${theft.path.join(".")} as it was`, ({ object }) => {
    if (!isThe(type, child, object)) return false;
    const isBack = isDeepStrictEqual(valueAt(object, theft.path), before);
    taken ||= !isBack;
    return taken && isBack;
  });
  await bench.user.json({
    method: "PATCH",
    path: `${collectionPath(type, namespace)}/${child.metadata.name}`,
    query: { fieldManager: "somebody" },
    contentType: "application/merge-patch+json",
    body: nested(theft.path, theft.value),
  });
  return { answered: performance.now(), back };
};

/** Milliseconds until each is back, by kind. */
async function timesOf(place: Place, names: string[], disturb: Disturb): Promise<Map<string, number[]>> {
  const times = new Map(kinds.map(({ kind }): [string, number[]] => [kind, []]));
  const each = Math.max(3, Math.ceil(place.bench.options.samples / 10));
  for (let index = 0; index < each; index++)
    for (const type of kinds) {
      const child = await childOf(place, type, names[index % names.length] ?? "");
      const { answered, back } = await disturb(place, type, child);
      times.get(type.kind)?.push((await back).at - answered);
      await delay(pause);
    }
  return times;
}

/** The same without the operator: whoever deletes it makes it again. */
async function floorTimes(place: Place, names: string[]): Promise<number[]> {
  const times: number[] = [];
  const { bench, namespace } = place;
  for (const name of names)
    for (const type of kinds) {
      const { answered, back } = await deleted(place, type, await childOf(place, type, name));
      const server = await bench.user.json<ServerObject>({ path: serverPath(namespace, name) });
      const sent = performance.now();
      const again = childWrites(server).find((each) => each.type.kind === type.kind);
      if (again) await write(bench.floor, again);
      times.push((await back).at - Math.max(sent, answered));
      await delay(pause);
    }
  return times;
}

function record(bench: Bench, what: string, times: Map<string, number[]>, floor: number[]): void {
  const all = [...times.values()].flat();
  const each = [...times].map(
    ([kind, values]) => `${kind} ${short(percentile(values, 0.5))}/${short(percentile(values, 1))}`,
  );
  for (const [p, bar] of [
    [50, 15],
    [99, 100],
  ] as const)
    bench.record({
      part: "drift",
      measure: `${what} back, p${p} of ${all.length}`,
      unit: "ms",
      value: percentile(all, p / 100),
      floor: percentile(floor, p / 100),
      bar,
      where: p === 50 ? [`p50/longest by kind: ${each.join(", ")}`] : [],
    });
}

export async function run(bench: Bench): Promise<void> {
  const namespace = "drift";
  const names = serverNames(servers);
  await bench.inNamespace(namespace, async () => {
    const operator = await bench.startOperator();
    for (const name of names) await createServer(bench.user, namespace, name, { ...smallest, network: {} });
    await waitUntil(async () => (await countReady(bench.user, namespace)) === names.length, {
      for: "all servers to be Ready",
      timeout: 120_000,
      every: 500,
    });
    await bench.settled();
    const watching = await watchKinds(bench.user, kinds, namespace);
    const place = { bench, watching, namespace };
    const afterDelete = await timesOf(place, names, deleted);
    const afterTheft = await timesOf(place, names, stolen);
    await operator.stop();
    await bench.settled();
    const floor = await floorTimes(place, names);
    watching.stop();
    record(bench, "a deleted object", afterDelete, floor);
    record(bench, "a stolen field", afterTheft, floor);
  });
}
