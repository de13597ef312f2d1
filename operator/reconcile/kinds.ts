// The kinds that the operator works with. What it may do with each stands in the chart's RBAC.
import { apiVersion, kind, plural } from "../api/mcpserver.ts";
import type { ResourceType } from "../kube/resource.ts";

const type = (version: string, kindName: string, pluralName = `${kindName.toLowerCase()}s`): ResourceType => ({
  apiVersion: version,
  kind: kindName,
  plural: pluralName,
});

export const mcpServers: ResourceType = { apiVersion, kind, plural };
export const pods = type("v1", "Pod");
export const secrets = type("v1", "Secret");
export const configMaps = type("v1", "ConfigMap");
export const deployments = type("apps/v1", "Deployment");
const horizontalPodAutoscalers = type("autoscaling/v2", "HorizontalPodAutoscaler");
export const scaledObjects = type("keda.sh/v1alpha1", "ScaledObject");
const statefulSets = type("apps/v1", "StatefulSet");
const cloudNativePgClusters = type("postgresql.cnpg.io/v1", "Cluster");
const redisReplications = type("redis.redis.opstreelabs.in/v1beta2", "RedisReplication");
const httpRoutes = type("gateway.networking.k8s.io/v1", "HTTPRoute");
const httpProxies = type("projectcontour.io/v1", "HTTPProxy", "httpproxies");

/** What a server's routes hang on; only read. */
export const gateways = type("gateway.networking.k8s.io/v1", "Gateway");
export const gatewayClasses = type("gateway.networking.k8s.io/v1", "GatewayClass", "gatewayclasses");
export const ingressClasses = type("networking.k8s.io/v1", "IngressClass", "ingressclasses");

/** Kinds that the operator makes of any server. */
export const workloadKinds: ResourceType[] = [
  deployments,
  type("v1", "ServiceAccount"),
  type("v1", "Service"),
  type("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  horizontalPodAutoscalers,
  type("policy/v1", "PodDisruptionBudget"),
];

/** Kinds of stores of tasks; all but the first come with an operator that may not be installed. */
const storeKinds: ResourceType[] = [
  statefulSets,
  cloudNativePgClusters,
  redisReplications,
  type("redis.redis.opstreelabs.in/v1beta2", "RedisSentinel"),
];

/** Kinds for telemetry, of operators that may not be installed. */
const openTelemetryCollectors = type("opentelemetry.io/v1beta1", "OpenTelemetryCollector");
const telemetryKinds: ResourceType[] = [openTelemetryCollectors, type("monitoring.coreos.com/v1", "PodMonitor")];

/** Kinds with tasks in them: while their server lives, none is deleted, whatever its spec says. */
const taskKinds = new Set([statefulSets, cloudNativePgClusters, redisReplications].map((each) => each.kind));
export const holdsTasks = (kindName: string) => taskKinds.has(kindName);

const workloads = new Set(
  [...workloadKinds, scaledObjects, ...storeKinds, ...telemetryKinds, secrets, configMaps].map((each) => each.kind),
);
/** Whether it is a kind that any server may have, and none that routes are made of. */
export const isWorkload = (kindName: string) => workloads.has(kindName);

/** Kinds of routes: most come with a gateway or an ingress controller that may not be installed. */
const routeKinds: ResourceType[] = [
  type("networking.k8s.io/v1", "Ingress", "ingresses"),
  httpRoutes,
  httpProxies,
  type("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy", "backendtrafficpolicies"),
  type("traefik.io/v1alpha1", "IngressRoute"),
  type("traefik.io/v1alpha1", "Middleware"),
  type("traefik.io/v1alpha1", "ServersTransport"),
  type("configuration.konghq.com/v1", "KongPlugin"),
];

/** Kinds of whose objects more than the metadata matters. */
const wholeKinds = new Set([
  deployments,
  horizontalPodAutoscalers,
  scaledObjects,
  statefulSets,
  cloudNativePgClusters,
  redisReplications,
  openTelemetryCollectors,
  httpRoutes,
  httpProxies,
]);

/** Kinds that may not be installed. */
const optionalKinds = new Set([
  ...routeKinds,
  ...telemetryKinds,
  ...storeKinds.filter((each) => each !== statefulSets),
  scaledObjects,
]);

export interface ChildKind {
  type: ResourceType;
  /** It may not be installed, or this process may have no right to it, and all else works. */
  optional: boolean;
  /** Its spec or status matters, beside its metadata. */
  whole: boolean;
}

const childKind = (each: ResourceType): ChildKind => ({
  type: each,
  optional: optionalKinds.has(each),
  whole: wholeKinds.has(each),
});

/** All kinds that the operator makes, but for Secrets and ConfigMaps, of which it also looks at others'. */
export const childKinds: ChildKind[] = [
  ...workloadKinds,
  scaledObjects,
  ...storeKinds,
  ...telemetryKinds,
  ...routeKinds,
].map(childKind);

const byKind = new Map([...childKinds.map((each) => each.type), secrets, configMaps].map((each) => [each.kind, each]));

/** The type of a kind that the operator makes. */
export function typeOf(kindName: string): ResourceType {
  const found = byKind.get(kindName);
  if (!found) throw new Error(`no such child kind: ${kindName}`);
  return found;
}
