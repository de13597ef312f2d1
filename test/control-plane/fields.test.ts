// Every field of the schema: changed on a live server, seen in its objects, changed back, seen again.
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type JsonSchema, jsonSchema } from "../../operator/api/crd.ts";
import { type SpecInput, spec as specSchema } from "../../operator/api/mcpserver.ts";
import { startKubelet } from "../chaos/kubelet.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";
import { installOperators } from "./definitions.ts";

const kubeconfig = inject("kubeconfig");
const image = "registry.example.com/basket-mcp:1.4.0";
const other = "registry.example.com/basket-mcp:1.5.0";
let kube: TestKube;
let operator: RunningOperator;
let kubelet: { stop(): Promise<void> };
let uninstall = async () => {};

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig);
  kubelet = startKubelet(kube.client, kube.namespace);
  uninstall = await installOperators(kube);
  await kube.applyServer("lender", {
    image,
    taskStore: { redis: { url: { secretKeyRef } } },
    telemetry: { endpoint: otlp },
  });
});
afterAll(async () => {
  await operator.stop();
  await kubelet.stop();
  await uninstall();
});

type Objects = Map<string, AnyObject>;
/** A field, a spec with and one without it, and what the objects show with it. */
interface Case {
  field: string;
  without?: Partial<SpecInput>;
  with: Partial<SpecInput>;
  shows: (objects: Objects) => unknown;
  expected: unknown;
}

const main = (objects: Objects, kind: string) => objects.get(`${kind}/main`);
const pool = (objects: Objects, kind: string) => objects.get(`${kind}/a`);
const pod = (objects: Objects) => main(objects, "Deployment")?.spec.template.spec;
const container = (objects: Objects) => pod(objects)?.containers[0];
const variable = (objects: Objects, name: string) =>
  container(objects)?.env.find((each: { name: string }) => each.name === name)?.value;
const hpa = (objects: Objects) => main(objects, "HorizontalPodAutoscaler")?.spec;
const rules = (objects: Objects, of = "main") => objects.get(`HTTPRoute/${of}`)?.spec.rules as AnyObject[] | undefined;
/** Values of a header that a route asks for. */
const asked = (objects: Objects, header: string, of = "main") =>
  rules(objects, of)?.flatMap(({ matches }) =>
    matches.flatMap(({ headers = [] }: AnyObject) =>
      headers.flatMap(({ name, value }: AnyObject) => (name === header ? [value] : [])),
    ),
  );
const gateway = { parentRefs: [{ name: "edge" }] };
const routed = { routing: { gateway } };
const taking = (takes: object) => ({ ...routed, replicas: 1, pools: [{ name: "a", ...takes }] });
const withCanary = (canary: object) => ({ ...routed, replicas: 1, canary: { image: other, ...canary } });
const canary = (objects: Objects) => objects.get("Deployment/canary")?.spec;
const withLegacy = (legacy: object) => ({ legacy });
const legacy = (objects: Objects) => objects.get("Deployment/legacy")?.spec;
const legacyContainer = (objects: Objects) => legacy(objects)?.template.spec.containers[0];
const peer = { namespaceSelector: { matchLabels: { gateway: "yes" } } };

const cases: Case[] = [
  { field: "image", with: { image: other }, shows: (o) => container(o)?.image, expected: other },
  {
    field: "imagePullPolicy",
    with: { imagePullPolicy: "Always" },
    without: { imagePullPolicy: "Never" },
    shows: (o) => container(o)?.imagePullPolicy,
    expected: "Always",
  },
  {
    field: "imagePullSecrets",
    with: { imagePullSecrets: [{ name: "a" }] },
    shows: (o) => pod(o)?.imagePullSecrets,
    expected: [{ name: "a" }],
  },
  { field: "command", with: { command: ["x"] }, shows: (o) => container(o)?.command, expected: ["x"] },
  { field: "args", with: { args: ["--y"] }, shows: (o) => container(o)?.args, expected: ["--y"] },
  { field: "env", with: { env: [{ name: "A", value: "1" }] }, shows: (o) => variable(o, "A"), expected: "1" },
  {
    field: "env",
    with: { env: [{ name: "MCP_PATH", value: "/mine" }] },
    shows: (o) => variable(o, "MCP_PATH"),
    expected: "/mine",
  },
  {
    field: "envFrom",
    with: { envFrom: [{ secretRef: { name: "a", optional: true } }] },
    shows: (o) => container(o)?.envFrom,
    expected: [{ secretRef: { name: "a", optional: true } }],
  },
  {
    field: "port",
    with: { port: 9090 },
    shows: (o) => [container(o)?.ports[0].containerPort, variable(o, "PORT")],
    expected: [9090, "9090"],
  },
  { field: "path", with: { path: "/else" }, shows: (o) => variable(o, "MCP_PATH"), expected: "/else" },
  {
    field: "replicas",
    with: { replicas: 3 },
    shows: (o) => [main(o, "Deployment")?.spec.replicas, hpa(o)],
    expected: [3, undefined],
  },
  {
    field: "autoscaling.enabled",
    with: { autoscaling: { enabled: false } },
    shows: (o) => hpa(o),
    expected: undefined,
  },
  {
    field: "autoscaling.minReplicas",
    with: { autoscaling: { minReplicas: 4 } },
    shows: (o) => hpa(o)?.minReplicas,
    expected: 4,
  },
  {
    field: "autoscaling.maxReplicas",
    with: { autoscaling: { maxReplicas: 20 } },
    shows: (o) => hpa(o)?.maxReplicas,
    expected: 20,
  },
  {
    field: "autoscaling.cpu",
    with: { autoscaling: { cpu: 50 } },
    shows: (o) => hpa(o)?.metrics[0].resource.target.averageUtilization,
    expected: 50,
  },
  {
    field: "autoscaling.memory",
    with: { autoscaling: { memory: 60 } },
    shows: (o) => hpa(o)?.metrics.map((m: AnyObject) => m.resource.name),
    expected: ["memory"],
  },
  {
    field: "autoscaling.callsPerSecond",
    with: { autoscaling: { callsPerSecond: 20 } },
    shows: (o) => hpa(o)?.metrics[0].external?.target.averageValue,
    expected: "20",
  },
  {
    field: "autoscaling.callsInFlight",
    with: { autoscaling: { callsInFlight: 1.5 } },
    shows: (o) => hpa(o)?.metrics[0].external?.target.averageValue,
    expected: "1500m",
  },
  {
    field: "autoscaling.metrics",
    with: {
      autoscaling: {
        metrics: [
          { type: "Pods", pods: { metric: { name: "calls" }, target: { type: "AverageValue", averageValue: "5" } } },
        ],
      },
    },
    shows: (o) => hpa(o)?.metrics.map((m: AnyObject) => m.type),
    expected: ["Pods"],
  },
  {
    field: "autoscaling.behavior",
    with: { autoscaling: { behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } },
    shows: (o) => hpa(o)?.behavior.scaleDown.stabilizationWindowSeconds,
    expected: 60,
  },
  {
    field: "resources",
    with: { resources: { limits: { memory: "1Gi" } } },
    shows: (o) => container(o)?.resources,
    expected: { limits: { memory: "1Gi" }, requests: undefined },
  },
  {
    field: "pools.name",
    with: { pools: [{ name: "a" }] },
    shows: (o) => [...o.keys()].filter((key) => key.endsWith("/a")).sort(),
    expected: ["Deployment/a", "HorizontalPodAutoscaler/a", "PodDisruptionBudget/a", "Service/a"],
  },
  {
    field: "pools.image",
    with: { pools: [{ name: "a", image: other }] },
    shows: (o) => pool(o, "Deployment")?.spec.template.spec.containers[0].image,
    expected: other,
  },
  {
    field: "pools.resources",
    with: { pools: [{ name: "a", resources: { limits: { cpu: "2" } } }] },
    shows: (o) => pool(o, "Deployment")?.spec.template.spec.containers[0].resources.limits,
    expected: { cpu: "2" },
  },
  {
    field: "pools.replicas",
    with: { pools: [{ name: "a", replicas: 1 }] },
    shows: (o) => pool(o, "Deployment")?.spec.replicas,
    expected: 1,
  },
  {
    field: "pools.autoscaling",
    with: { pools: [{ name: "a", autoscaling: { maxReplicas: 3 } }] },
    shows: (o) => pool(o, "HorizontalPodAutoscaler")?.spec.maxReplicas,
    expected: 3,
  },
  {
    field: "pools.template",
    with: { pools: [{ name: "a", template: { spec: { priorityClassName: "low" } } }] },
    shows: (o) => pool(o, "Deployment")?.spec.template.spec.priorityClassName,
    expected: "low",
  },
  {
    field: "requestState.secretRef",
    with: { requestState: { secretRef: { name: "mine" } } },
    shows: (o) => [container(o)?.env[2].valueFrom.secretKeyRef.name, main(o, "Secret")],
    expected: ["mine", undefined],
  },
  {
    field: "disruption.maxUnavailable",
    with: { disruption: { maxUnavailable: "50%" } },
    shows: (o) => main(o, "PodDisruptionBudget")?.spec.maxUnavailable,
    expected: "50%",
  },
  {
    field: "disruption.minAvailable",
    with: { disruption: { minAvailable: 1 } },
    shows: (o) => main(o, "PodDisruptionBudget")?.spec.minAvailable,
    expected: 1,
  },
  {
    field: "disruption.drainSeconds",
    with: { disruption: { drainSeconds: 9 } },
    shows: (o) => container(o)?.lifecycle.preStop.sleep.seconds,
    expected: 9,
  },
  {
    field: "disruption.gracePeriodSeconds",
    with: { disruption: { gracePeriodSeconds: 90 } },
    shows: (o) => pod(o)?.terminationGracePeriodSeconds,
    expected: 90,
  },
  {
    field: "network.from",
    with: { network: { from: [peer] } },
    shows: (o) => main(o, "NetworkPolicy")?.spec.ingress[0].from,
    expected: [peer],
  },
  {
    field: "network.egress",
    with: { network: { egress: [{ to: [peer] }] } },
    shows: (o) => main(o, "NetworkPolicy")?.spec.egress[1],
    expected: { to: [peer] },
  },
  {
    field: "serviceAccount.name",
    with: { serviceAccount: { name: "mine" } },
    shows: (o) => [pod(o)?.serviceAccountName, main(o, "ServiceAccount")],
    expected: ["mine", undefined],
  },
  {
    field: "serviceAccount.annotations",
    with: { serviceAccount: { annotations: { role: "x" } } },
    shows: (o) => main(o, "ServiceAccount")?.metadata.annotations?.role,
    expected: "x",
  },
  {
    field: "serviceAccount.automountToken",
    with: { serviceAccount: { automountToken: true } },
    shows: (o) => [main(o, "ServiceAccount")?.automountServiceAccountToken, pod(o)?.automountServiceAccountToken],
    expected: [true, true],
  },
  {
    field: "template",
    with: { template: { metadata: { labels: { team: "shop" } }, spec: { nodeSelector: { disk: "ssd" } } } },
    shows: (o) => [main(o, "Deployment")?.spec.template.metadata.labels.team, pod(o)?.nodeSelector],
    expected: ["shop", { disk: "ssd" }],
  },
];

/** The same, of how calls come in and where they go. */
const routingCases: Case[] = [
  {
    field: "pools.tools",
    with: taking({ tools: ["x"] }),
    shows: (o) => asked(o, "Mcp-Name", "a"),
    expected: ["x", "=?base64?eA==?="],
  },
  {
    field: "pools.prompts",
    with: taking({ prompts: ["x"] }),
    shows: (o) => asked(o, "Mcp-Method", "a"),
    expected: ["prompts/get", "prompts/get"],
  },
  {
    field: "pools.resourceUris",
    with: taking({ resourceUris: ["file:///x"] }),
    shows: (o) => asked(o, "Mcp-Name", "a")?.[0],
    expected: "file:///x",
  },
  {
    field: "pools.methods",
    with: taking({ methods: ["tools/list"] }),
    shows: (o) => asked(o, "Mcp-Method", "a"),
    expected: ["tools/list"],
  },
  {
    field: "canary.image",
    with: withCanary({}),
    shows: (o) => canary(o)?.template.spec.containers[0].image,
    expected: other,
  },
  {
    field: "canary.weight",
    with: withCanary({ weight: 7 }),
    shows: (o) =>
      rules(o)
        ?.flatMap(({ backendRefs }) => backendRefs.map(({ weight }: AnyObject) => weight))
        .includes(7),
    expected: true,
  },
  {
    field: "canary.header",
    with: withCanary({ header: { name: "X-Canary", value: "yes" } }),
    shows: (o) => asked(o, "X-Canary", "canary")?.[0],
    expected: "yes",
  },
  {
    field: "canary.resources",
    with: withCanary({ resources: { requests: { cpu: "7m" } } }),
    shows: (o) => canary(o)?.template.spec.containers[0].resources,
    expected: { requests: { cpu: "7m" } },
  },
  { field: "canary.replicas", with: withCanary({ replicas: 3 }), shows: (o) => canary(o)?.replicas, expected: 3 },
  {
    field: "canary.autoscaling",
    with: withCanary({ autoscaling: { minReplicas: 3 } }),
    shows: (o) => o.get("HorizontalPodAutoscaler/canary")?.spec.minReplicas,
    expected: 3,
  },
  {
    field: "canary.template",
    with: withCanary({ template: { spec: { nodeName: "n" } } }),
    shows: (o) => canary(o)?.template.spec.nodeName,
    expected: "n",
  },
  {
    field: "legacy.image",
    with: withLegacy({ image: other }),
    shows: (o) => legacyContainer(o)?.image,
    expected: other,
  },
  {
    field: "legacy.command",
    with: withLegacy({ command: ["x"] }),
    shows: (o) => legacyContainer(o)?.command,
    expected: ["x"],
  },
  {
    field: "legacy.args",
    with: withLegacy({ args: ["--y"] }),
    shows: (o) => legacyContainer(o)?.args,
    expected: ["--y"],
  },
  {
    field: "legacy.sessionful",
    with: withLegacy({ image: other, sessionful: false }),
    without: withLegacy({ image: other }),
    shows: (o) => o.has("HorizontalPodAutoscaler/legacy"),
    expected: true,
  },
  {
    field: "legacy.resources",
    with: withLegacy({ resources: { requests: { cpu: "7m" } } }),
    shows: (o) => legacyContainer(o)?.resources,
    expected: { requests: { cpu: "7m" } },
  },
  {
    field: "legacy.replicas",
    with: withLegacy({ sessionful: false, replicas: 3 }),
    shows: (o) => legacy(o)?.replicas,
    expected: 3,
  },
  {
    field: "legacy.autoscaling",
    with: withLegacy({ sessionful: false, autoscaling: { minReplicas: 3 } }),
    shows: (o) => o.get("HorizontalPodAutoscaler/legacy")?.spec.minReplicas,
    expected: 3,
  },
  {
    field: "legacy.template",
    with: withLegacy({ template: { spec: { nodeName: "n" } } }),
    shows: (o) => legacy(o)?.template.spec.nodeName,
    expected: "n",
  },
  {
    field: "routing.hostnames",
    with: { routing: { gateway, hostnames: ["mcp.example.com"] } },
    without: routed,
    shows: (o) => o.get("HTTPRoute/main")?.spec.hostnames,
    expected: ["mcp.example.com"],
  },
  {
    field: "routing.gateway",
    with: routed,
    shows: (o) => o.get("HTTPRoute/main")?.spec.parentRefs.map(({ name }: AnyObject) => name),
    expected: ["edge"],
  },
  {
    field: "routing.ingress",
    with: { routing: { ingress: { className: "web" } } },
    shows: (o) => o.get("Ingress/main")?.spec.ingressClassName,
    expected: "web",
  },
  {
    field: "routing.timeouts",
    with: { routing: { gateway, timeouts: { request: "7m" } } },
    without: routed,
    shows: (o) => rules(o)?.some(({ timeouts }) => timeouts.request === "7m"),
    expected: true,
  },
  {
    field: "routing.cors",
    with: { routing: { gateway, cors: { allowOrigins: ["https://app.example.com"] } } },
    without: routed,
    shows: (o) => rules(o)?.every(({ filters }) => filters?.[0].cors.allowOrigins[0] === "https://app.example.com"),
    expected: true,
  },
];

/** A field of the store of tasks: shown by the store's objects while pods use it. Those stay when pods don't. */
function stored(
  field: string,
  taskStore: SpecInput["taskStore"],
  shows: (o: Objects) => unknown,
  expected: unknown,
): Case {
  const isUsed = (o: Objects) => container(o)?.env.some(({ name }: AnyObject) => name === "MCP_TASK_STORE_PREFIX");
  return {
    field: `taskStore.${field}`,
    with: { taskStore },
    shows: (o) => (isUsed(o) ? shows(o) : "not used"),
    expected,
  };
}
const managedOf = (managed: object) => ({ redis: { managed } });
const engine = (objects: Objects) => main(objects, "StatefulSet")?.spec;
const claim = (objects: Objects) => engine(objects)?.volumeClaimTemplates[0].spec;
const limits = { limits: { memory: "300Mi" } };
const replicationOf = (replication: object) => ({ redis: { replication } });
const redisReplication = (objects: Objects) => main(objects, "RedisReplication");
const cloudNativePgOf = (cloudNativePg: object) => ({ postgresql: { cloudNativePg } });
const cluster = (objects: Objects) => main(objects, "Cluster");
const storeUrl = (objects: Objects, name = "MCP_TASK_STORE_URL") =>
  container(objects)?.env.find((each: { name: string }) => each.name === name)?.valueFrom.secretKeyRef;
const [secretKeyRef, caSecretKeyRef] = [
  { name: "tasks", key: "url" },
  { name: "tasks", key: "ca" },
];

/** The same, of where tasks are kept. */
const storeCases: Case[] = [
  stored("envName", { ...managedOf({}), envName: "X_URL" }, (o) => storeUrl(o, "X_URL")?.key, "url"),
  stored("ref", { ref: { name: "lender" } }, (o) => storeUrl(o), secretKeyRef),
  stored("redis.managed.storage", managedOf({ storage: "2Gi" }), (o) => claim(o)?.resources.requests.storage, "2Gi"),
  stored(
    "redis.managed.storageClassName",
    managedOf({ storageClassName: "x" }),
    (o) => claim(o)?.storageClassName,
    "x",
  ),
  stored(
    "redis.managed.version",
    managedOf({ version: "9" }),
    (o) => engine(o)?.template.spec.containers[0].image,
    "docker.io/valkey/valkey:9",
  ),
  stored(
    "redis.managed.resources",
    managedOf({ resources: limits }),
    (o) => engine(o)?.template.spec.containers[0].resources.limits,
    limits.limits,
  ),
  stored(
    "redis.managed.retain",
    managedOf({ retain: true }),
    (o) => engine(o)?.persistentVolumeClaimRetentionPolicy.whenDeleted,
    "Retain",
  ),
  stored("redis.url.secretKeyRef", { redis: { url: { secretKeyRef } } }, (o) => storeUrl(o), secretKeyRef),
  stored(
    "redis.url.caSecretKeyRef",
    { redis: { url: { secretKeyRef, caSecretKeyRef } } },
    (o) => pod(o)?.volumes.find(({ name }: AnyObject) => name === "task-store-ca")?.secret.items,
    [{ key: "ca", path: "ca.crt" }],
  ),
  stored(
    "redis.replication.instances",
    replicationOf({ instances: 5 }),
    (o) => redisReplication(o)?.spec.clusterSize,
    5,
  ),
  stored(
    "redis.replication.storage",
    replicationOf({ storage: "2Gi" }),
    (o) => redisReplication(o)?.spec.storage.volumeClaimTemplate.spec.resources.requests.storage,
    "2Gi",
  ),
  stored(
    "redis.replication.storageClassName",
    replicationOf({ storageClassName: "x" }),
    (o) => redisReplication(o)?.spec.storage.volumeClaimTemplate.spec.storageClassName,
    "x",
  ),
  stored(
    "redis.replication.retain",
    replicationOf({ retain: false }),
    (o) => redisReplication(o)?.spec.storage.keepAfterDelete,
    false,
  ),
  stored(
    "redis.replication.resources",
    replicationOf({ resources: limits }),
    (o) => main(o, "ConfigMap")?.data["redis-additional.conf"].includes("maxmemory 235929600\n"),
    true,
  ),
  stored(
    "postgresql.managed.storage",
    { postgresql: { managed: { storage: "2Gi" } } },
    (o) => claim(o)?.resources.requests.storage,
    "2Gi",
  ),
  stored(
    "postgresql.managed.storageClassName",
    { postgresql: { managed: { storageClassName: "x" } } },
    (o) => claim(o)?.storageClassName,
    "x",
  ),
  stored(
    "postgresql.managed.version",
    { postgresql: { managed: { version: "16" } } },
    (o) => engine(o)?.template.spec.containers[0].image,
    "docker.io/library/postgres:16",
  ),
  stored(
    "postgresql.managed.resources",
    { postgresql: { managed: { resources: limits } } },
    (o) => engine(o)?.template.spec.containers[0].resources.limits,
    limits.limits,
  ),
  stored(
    "postgresql.managed.retain",
    { postgresql: { managed: { retain: false } } },
    (o) => engine(o)?.persistentVolumeClaimRetentionPolicy.whenDeleted,
    "Delete",
  ),
  stored("postgresql.url.secretKeyRef", { postgresql: { url: { secretKeyRef } } }, (o) => storeUrl(o), secretKeyRef),
  stored(
    "postgresql.url.caSecretKeyRef",
    { postgresql: { url: { secretKeyRef, caSecretKeyRef } } },
    (o) => variable(o, "MCP_TASK_STORE_CA"),
    "/etc/anypod/task-store/ca.crt",
  ),
  stored("postgresql.cloudNativePg.instances", cloudNativePgOf({ instances: 5 }), (o) => cluster(o)?.spec.instances, 5),
  stored(
    "postgresql.cloudNativePg.storage",
    cloudNativePgOf({ storage: "2Gi" }),
    (o) => cluster(o)?.spec.storage.size,
    "2Gi",
  ),
  stored(
    "postgresql.cloudNativePg.storageClassName",
    cloudNativePgOf({ storageClassName: "x" }),
    (o) => cluster(o)?.spec.storage.storageClass,
    "x",
  ),
  stored(
    "postgresql.cloudNativePg.retain",
    cloudNativePgOf({ retain: false }),
    (o) => cluster(o)?.metadata.ownerReferences?.length,
    1,
  ),
  stored(
    "postgresql.cloudNativePg.resources",
    cloudNativePgOf({ resources: limits }),
    (o) => cluster(o)?.spec.resources,
    limits,
  ),
];

const sent = (telemetry: SpecInput["telemetry"]) => ({ telemetry });
const collected = (more: object) => sent({ collector: { exporters: { debug: {} }, ...more } });
const collector = (objects: Objects) => objects.get("Deployment/collector")?.spec;
const collectorConfig = (objects: Objects) => {
  const text = objects.get("ConfigMap/collector")?.data["config.json"];
  return text && JSON.parse(text);
};
const otlp = { url: "https://otel.example.com" };
const told = (more: object) => sent({ metrics: { port: 9464, ...more } });
const monitor = (objects: Objects) => main(objects, "PodMonitor");
const scraped = (objects: Objects) => monitor(objects)?.spec.podMetricsEndpoints[0];

/** The same, of where telemetry goes. */
const telemetryCases: Case[] = [
  {
    field: "telemetry.collector.exporters",
    with: collected({ exporters: { "otlphttp/x": otlp } }),
    shows: (o) => collectorConfig(o)?.service.pipelines.traces.exporters,
    expected: ["otlphttp/x"],
  },
  {
    field: "telemetry.collector.processors",
    with: collected({ processors: { "attributes/x": { actions: [] } } }),
    shows: (o) => collectorConfig(o)?.service.pipelines.logs.processors,
    expected: ["memory_limiter", "attributes/x", "resource", "batch"],
  },
  {
    field: "telemetry.collector.env",
    with: collected({ env: [{ name: "A", value: "1" }] }),
    shows: (o) => collector(o)?.template.spec.initContainers[0].env,
    expected: [{ name: "A", value: "1" }],
  },
  {
    field: "telemetry.collector.replicas",
    with: collected({ replicas: 3 }),
    shows: (o) => collector(o)?.replicas,
    expected: 3,
  },
  {
    field: "telemetry.collector.resources",
    with: collected({ resources: limits }),
    shows: (o) => collector(o)?.template.spec.containers[0].resources.limits,
    expected: limits.limits,
  },
  {
    field: "telemetry.endpoint.url",
    with: sent({ endpoint: otlp }),
    shows: (o) => variable(o, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    expected: otlp.url,
  },
  {
    field: "telemetry.endpoint.protocol",
    with: sent({ endpoint: { ...otlp, protocol: "grpc" } }),
    shows: (o) => variable(o, "OTEL_EXPORTER_OTLP_PROTOCOL"),
    expected: "grpc",
  },
  {
    field: "telemetry.endpoint.headersSecretRef",
    with: sent({ endpoint: { ...otlp, headersSecretRef: secretKeyRef } }),
    shows: (o) => storeUrl(o, "OTEL_EXPORTER_OTLP_HEADERS"),
    expected: { ...secretKeyRef, optional: true },
  },
  {
    field: "telemetry.shared.name",
    with: sent({ shared: { name: "lender" } }),
    shows: (o) => variable(o, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    expected: otlp.url,
  },
  {
    field: "telemetry.samplingPercent",
    with: sent({ endpoint: otlp, samplingPercent: 25 }),
    shows: (o) => variable(o, "OTEL_TRACES_SAMPLER_ARG"),
    expected: "0.25",
  },
  {
    field: "telemetry.metrics.port",
    with: told({}),
    shows: (o) => [container(o)?.ports[1], scraped(o)?.port],
    expected: [{ name: "metrics", containerPort: 9464, protocol: "TCP" }, "metrics"],
  },
  {
    field: "telemetry.metrics.path",
    with: told({ path: "/prometheus" }),
    shows: (o) => scraped(o)?.path,
    expected: "/prometheus",
  },
  {
    field: "telemetry.metrics.interval",
    with: told({ interval: "5s" }),
    shows: (o) => scraped(o)?.interval,
    expected: "5s",
  },
  {
    field: "telemetry.metrics.labels",
    with: told({ labels: { release: "prometheus" } }),
    shows: (o) => monitor(o)?.metadata.labels?.release,
    expected: "prometheus",
  },
  {
    field: "telemetry.metrics.from",
    without: { network: {} },
    with: told({ from: [peer] }),
    shows: (o) => main(o, "NetworkPolicy")?.spec.ingress[1]?.from,
    expected: [peer],
  },
  {
    field: "telemetry.metrics",
    with: sent({ collector: { exporters: { debug: {} } }, metrics: { interval: "5s" } }),
    shows: (o) => [
      collectorConfig(o)?.service.pipelines.metrics.exporters,
      variable(o, "OTEL_METRIC_EXPORT_INTERVAL"),
      o.get("PodMonitor/collector")?.spec.podMetricsEndpoints.map(({ port }: AnyObject) => port),
    ],
    expected: [["debug", "prometheus/anypod"], "5000", ["told", "metrics"]],
  },
];

/** Fields that show elsewhere than in objects, and the test that sees them. */
const elsewhere: Record<string, string> = {
  protocolVersions: "below, in the printed column",
  "requestState.rotateEvery": "test/pods/rotation.test.ts",
  "taskStore.redis.managed.rotateEvery": "test/unit/store-rotation.test.ts",
  "taskStore.postgresql.managed.rotateEvery": "test/unit/store-rotation.test.ts",
  "routing.rateLimits": "test/control-plane/routing.test.ts",
  paused: "test/control-plane/lifecycle.test.ts",
};

/** The pool that an object is of; the collector's are apart from the server's own. */
function placeOf({ metadata: { labels = {} } }: AnyObject): string {
  if (labels["anypod.dev/role"] === "collector") return "collector";
  return labels["anypod.dev/pool"] ?? "main";
}

async function objectsOf(server: string): Promise<Objects> {
  const children = await kube.childrenOf(server);
  return new Map(children.map((child) => [`${child.kind}/${placeOf(child)}`, child]));
}

test.each(
  [...cases, ...routingCases, ...storeCases, ...telemetryCases].map((each, index) => ({
    ...each,
    server: `field-${index}`,
  })),
)(
  "$field, changed and changed back, is followed by the objects",
  async ({ server, with: changed, without, shows, expected }) => {
    const base: SpecInput = { image, ...without };
    const follows = (what: string, holds: (value: unknown) => boolean) =>
      eventually(`the objects show it ${what}`, async () => {
        const objects = await objectsOf(server);
        const value = shows(objects);
        if (main(objects, "Deployment") && holds(value)) return true;
        throw new Error(`they show ${JSON.stringify(value)}`);
      });
    const isExpected = (value: unknown) => JSON.stringify(value) === JSON.stringify(expected);
    await kube.applyServer(server, base);
    await follows("absent", (value) => !isExpected(value));
    await kube.applyServer(server, { ...base, ...changed });
    await follows("changed", isExpected);
    await kube.applyServer(server, base);
    await follows("changed back", (value) => !isExpected(value));
    await kube.remove("McpServer", server);
  },
);

test("protocolVersions shows in the printed column, and changes back", async () => {
  const shown = async () => {
    const table = await kube.client.json<{ rows: { cells: unknown[] }[] }>({
      path: `/apis/anypod.dev/v1alpha1/namespaces/${kube.namespace}/mcpservers/versions`,
      accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
    });
    return table.rows[0]?.cells[4];
  };
  await kube.applyServer("versions", { image, protocolVersions: ["2026-07-28", "2025-11-25"] });
  expect(await shown()).toBe('["2026-07-28","2025-11-25"]');
  await kube.applyServer("versions", { image, protocolVersions: ["2026-07-28"] });
  expect(await shown()).toBe('["2026-07-28"]');
});

test("there is a case for every field of the schema", () => {
  const nested = [
    "autoscaling",
    "pools",
    "requestState",
    "disruption",
    "network",
    "serviceAccount",
    "canary",
    "legacy",
    "routing",
  ];
  const { properties = {} } = jsonSchema(specSchema);
  /** Names of the fields of an object, and of those in it for as many levels as are told. */
  const namesIn = (schema: JsonSchema, prefix: string, levels: number): string[] => {
    const inner = Object.entries(schema.items?.properties ?? schema.properties ?? {}) as [string, JsonSchema][];
    if (levels === 0 || inner.length === 0) return [prefix];
    return inner.flatMap(([field, each]) => namesIn(each, `${prefix}.${field}`, field === "ref" ? 0 : levels - 1));
  };
  const levelsOf = (name: string) => ({ taskStore: 3, telemetry: 2 })[name] ?? (nested.includes(name) ? 1 : 0);
  const names = Object.entries(properties).flatMap(([name, schema]: [string, JsonSchema]) =>
    namesIn(schema, name, levelsOf(name)),
  );
  const covered = new Set([
    ...[...cases, ...routingCases, ...storeCases, ...telemetryCases].map(({ field }) => field),
    ...Object.keys(elsewhere),
  ]);
  expect(names.filter((name) => !covered.has(name))).toEqual([]);
});
