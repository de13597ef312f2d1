// All that an operator has said to anybody: where no password may ever be found.

import { collectionPath, type ResourceType } from "../../operator/kube/resource.ts";
import { childKinds, configMaps, mcpServers, pods } from "../../operator/reconcile/kinds.ts";
import type { TestKube } from "./kube.ts";
import type { RunningOperator } from "./operator.ts";

const events: ResourceType = { apiVersion: "events.k8s.io/v1", kind: "Event", plural: "events" };
const looked = [mcpServers, events, pods, configMaps, ...childKinds.map(({ type }) => type)];

/** Its log, its metrics, and every object of the namespace but Secrets, statuses and all. It has to serve metrics. */
export async function saidBy(operator: RunningOperator, { client, namespace }: TestKube): Promise<string> {
  const address = /"what":"metrics","address":"([^"]+)"/.exec(operator.log())?.[1];
  const metrics = await fetch(`http://${address}/metrics`).then((response) => response.text());
  const objects = looked.map((type) =>
    // A kind that isn't installed has no objects.
    client.json<{ items: object[] }>({ path: collectionPath(type, namespace) }).catch(() => ({ items: [] })),
  );
  return [operator.log(), metrics, ...(await Promise.all(objects)).map((list) => JSON.stringify(list))].join("\n");
}

/** A secret text in every form in which it may be written. */
export const formsOf = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString("base64"),
];
