// Many Ready servers for the parts that measure an operator that has them: made once, and more when a part wants more.
import { setTimeout as delay } from "node:timers/promises";
import { isConflict } from "../../operator/kube/errors.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { mcpServers } from "../../operator/reconcile/kinds.ts";
import type { Bench } from "./bench.ts";
import { countReady, createNamespace, createServers, type ServerObject, serverNames } from "./servers.ts";

const populationNamespace = "population";

async function existing({ user }: Bench): Promise<Set<string>> {
  const { items } = await user.json<{ items: ServerObject[] }>({
    path: collectionPath(mcpServers, populationNamespace),
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  });
  return new Set((items ?? []).map(({ metadata }) => metadata.name));
}

/** Brings the population to at least this size, all of it Ready; returns when the cluster has nothing left to do. */
export async function populate(bench: Bench, size: number): Promise<void> {
  await createNamespace(bench.user, populationNamespace).catch((error) => {
    if (!isConflict(error)) throw error;
  });
  const there = await existing(bench);
  const missing = serverNames(size).filter((name) => !there.has(name));
  if (missing.length === 0) return;
  bench.say(`bringing the population to ${size} servers`);
  const operator = await bench.startOperator();
  await createServers(bench.user, populationNamespace, missing);
  await untilReady(bench, Math.max(size, there.size));
  await bench.settled();
  await operator.stop();
}

/** Fails when nothing has become Ready for five minutes. */
async function untilReady(bench: Bench, wanted: number): Promise<void> {
  let since = Date.now();
  for (let before = -1; ; await delay(5000)) {
    const ready = await countReady(bench.user, populationNamespace);
    if (ready >= wanted) return;
    if (ready > before) since = Date.now();
    before = Math.max(before, ready);
    bench.say(`${ready} of ${wanted} servers are Ready`);
    if (Date.now() - since > 300_000) throw new Error(`only ${ready} of ${wanted} servers became Ready`);
  }
}
