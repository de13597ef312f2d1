// A changed spec on an idle operator: how soon is the Deployment what it asks for.
import { setTimeout as delay } from "node:timers/promises";
import { collectionPath } from "../../../operator/kube/resource.ts";
import { deployments } from "../../../operator/reconcile/kinds.ts";
import { waitUntil } from "../../cluster/wait.ts";
import { type AuditEvent, isWrite } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { short } from "../report.ts";
import { changeSpec, countReady, createServers, serverNames } from "../servers.ts";
import { median, percentile } from "../statistics.ts";
import { type Watching, watchKinds } from "../watching.ts";

/** Milliseconds between two changes. */
const pause = 200;
/** Changes go round among so many servers, so that a rollout has ended before the next one. */
const servers = 20;

const imageOf = (index: number) => `registry.example.com/bench-mcp:change-${index}`;

function imageSeen(watching: Watching, name: string, image: string) {
  return watching.next(
    `${image} in ${name}`,
    ({ object }) => object.metadata.name === name && object.spec.template.spec.containers[0].image === image,
  );
}

/** Milliseconds from each change's answer to the Deployment's event; `first` numbers the changes. */
export async function changeTimes(
  bench: Bench,
  { namespace, names }: { namespace: string; names: string[] },
  { count, first = 0 }: { count: number; first?: number },
): Promise<number[]> {
  const watching = await watchKinds(bench.user, [deployments], namespace);
  const times: number[] = [];
  for (let index = first; index < first + count; index++) {
    const name = names[index % names.length] ?? "";
    const seen = imageSeen(watching, name, imageOf(index));
    await changeSpec(bench.user, { namespace, name }, { image: imageOf(index) });
    const answered = performance.now();
    times.push((await seen).at - answered);
    await delay(pause);
  }
  watching.stop();
  return times;
}

/** Milliseconds from sending a change of a Deployment to its event. */
async function directTimes(bench: Bench, namespace: string, names: string[], count: number): Promise<number[]> {
  const watching = await watchKinds(bench.user, [deployments], namespace);
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const name = names[index % names.length] ?? "";
    const image = `registry.example.com/bench-mcp:direct-${index}`;
    const seen = imageSeen(watching, name, image);
    const sent = performance.now();
    await bench.floor.json({
      method: "PATCH",
      path: `${collectionPath(deployments, namespace)}/${name}`,
      contentType: "application/strategic-merge-patch+json",
      body: { spec: { template: { spec: { containers: [{ name: "server", image }] } } } },
    });
    times.push((await seen).at - sent);
    await delay(pause);
  }
  watching.stop();
  return times;
}

/** Medians of the parts of the way: until the operator's request is there, and how long the API server takes for it. */
function parts(changes: AuditEvent[], writes: AuditEvent[]): string {
  const pairs = changes.flatMap((change) => {
    const reaction = writes.find(
      (event) => event.name === change.name && event.resource === "deployments" && event.received > change.received,
    );
    return reaction ? [{ change, reaction }] : [];
  });
  const until = median(pairs.map(({ change, reaction }) => reaction.received - change.answered));
  const took = median(pairs.map(({ reaction }) => reaction.answered - reaction.received));
  return `p50 of its parts: ${short(until)} ms until the operator's request is at the API server, ${short(took)} ms in it`;
}

/** Creates servers and waits until they are Ready. */
export async function readyServers(bench: Bench, namespace: string, names: string[]): Promise<void> {
  await createServers(bench.user, namespace, names);
  await waitUntil(async () => (await countReady(bench.user, namespace)) >= names.length, {
    for: `the servers in ${namespace} to be Ready`,
    timeout: 600_000,
    every: 1000,
  });
  await bench.settled();
}

export async function run(bench: Bench): Promise<void> {
  const namespace = "change";
  const names = serverNames(servers);
  const count = bench.options.samples;
  await bench.inNamespace(namespace, async () => {
    const operator = await bench.startOperator();
    await readyServers(bench, namespace, names);
    const [read, readChanges] = [bench.operatorRequests(), bench.floorRequests(namespace)];
    const times = await changeTimes(bench, { namespace, names }, { count });
    const split = parts(
      readChanges().filter(({ verb, resource }) => verb === "patch" && resource === "mcpservers"),
      read().filter(isWrite),
    );
    await operator.stop();
    await bench.settled();
    const direct = await directTimes(bench, namespace, names, count);
    for (const [p, bar] of [
      [50, 15],
      [99, 60],
    ] as const)
      bench.record({
        part: "change",
        measure: `spec change → Deployment, p${p} of ${count}`,
        unit: "ms",
        value: percentile(times, p / 100),
        floor: percentile(direct, p / 100),
        bar,
        where: p === 50 ? ["floor: the Deployment is patched itself: sent → event", split] : [],
      });
  });
}
