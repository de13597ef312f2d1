// Kinds that come with gateways, ingress controllers and operators of stores, as the API server needs them to store objects: nothing is checked.
import { collectionPath, type ResourceType } from "../../operator/kube/resource.ts";
import { childKinds } from "../../operator/reconcile/kinds.ts";
import type { TestKube } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function definitionOf({ apiVersion, kind, plural }: ResourceType) {
  const [group = "", version = ""] = apiVersion.split("/");
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

/** Installs those that the cluster hasn't; returns what takes them away again. */
export async function install({ client }: TestKube, types: ResourceType[]): Promise<() => Promise<void>> {
  const isServed = (type: ResourceType) =>
    client.json({ path: collectionPath(type) }).then(
      () => true,
      () => false,
    );
  const missing: ResourceType[] = [];
  for (const type of types) if (!(await isServed(type))) missing.push(type);
  for (const type of missing) await client.json({ method: "POST", path, body: definitionOf(type) });
  for (const type of missing) await eventually(`${type.kind} is served`, () => isServed(type));
  return async () => {
    for (const type of missing)
      await client.json({ method: "DELETE", path: `${path}/${definitionOf(type).metadata.name}` });
    for (const type of missing) await eventually(`${type.kind} is gone`, async () => !(await isServed(type)));
  };
}

/** The same of these kinds, which operators of others bring. */
export const installKinds = (kube: TestKube, kinds: string[]) =>
  install(
    kube,
    childKinds.flatMap(({ type }) => (kinds.includes(type.kind) ? [type] : [])),
  );

/** The same of kinds that operators of stores bring. */
export const installStores = (kube: TestKube) => installKinds(kube, ["Cluster", "RedisReplication", "RedisSentinel"]);
