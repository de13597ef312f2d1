// Kinds that come with gateways, ingress controllers and other operators, as the API server needs them to store objects: nothing
// is checked, but of the Prometheus Operator's, whose definitions are the real ones.
import { collectionPath, type ResourceType } from "../../operator/kube/resource.ts";
import { childKinds } from "../../operator/reconcile/kinds.ts";
import { monitoringDefinition } from "../cluster/addons/monitoring-crds.ts";
import type { TestKube } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const nameOf = ({ apiVersion, plural }: ResourceType) => `${plural}.${apiVersion.split("/")[0]}`;

async function definitionOf(type: ResourceType): Promise<object> {
  const { apiVersion, kind, plural } = type;
  const [group = "", version = ""] = apiVersion.split("/");
  if (group === "monitoring.coreos.com") return monitoringDefinition(plural);
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    metadata: { name: nameOf(type) },
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
  for (const type of missing) await client.json({ method: "POST", path, body: await definitionOf(type) });
  for (const type of missing) await eventually(`${type.kind} is served`, () => isServed(type));
  return async () => {
    for (const type of missing) await client.json({ method: "DELETE", path: `${path}/${nameOf(type)}` });
    for (const type of missing) await eventually(`${type.kind} is gone`, async () => !(await isServed(type)));
  };
}

const ofOperators = ["Cluster", "RedisReplication", "RedisSentinel", "PodMonitor"];
/** The same of kinds that other operators bring, or of some of them. */
export const installOperators = (kube: TestKube, kinds = ofOperators) =>
  install(
    kube,
    childKinds.flatMap(({ type }) => (kinds.includes(type.kind) ? [type] : [])),
  );
