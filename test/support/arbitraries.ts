// Random McpServers that the schema accepts and whose objects an API server accepts: every field of the schema occurs.
import fc from "fast-check";
import type { McpServer, SpecInput } from "../../operator/api/mcpserver.ts";
import { parseSpec } from "../../operator/api/parse.ts";
import { canaryShare, routing, takingPools } from "./routing/arbitraries.ts";

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
/** Names of servers, up to the limit. */
const serverName = fc.oneof(label, fc.stringMatching(/^[a-z][a-z0-9-]{50,61}[a-z0-9]$/));
const poolName = fc
  .oneof(
    { weight: 4, arbitrary: label },
    { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9][a-z0-9-]{50,61}[a-z0-9]$/) },
  )
  .filter((name) => !["main", "canary", "legacy"].includes(name));
const objectName = fc.stringMatching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?(\.[a-z0-9]{1,5})?$/);

/** A record of which every field may be left out. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
const few = <T>(item: fc.Arbitrary<T>, minLength = 0) => fc.array(item, { minLength, maxLength: 3 });
const fewByName = <T extends { name: string }>(item: fc.Arbitrary<T>) =>
  fc.uniqueArray(item, { maxLength: 4, selector: ({ name }) => name });
const numbers = (min: number, max: number) => fc.integer({ min, max });

const image = fc.constantFrom(
  "basket",
  "registry.example.com/basket-mcp:1.4.0",
  "localhost:5000/team/basket_mcp:1.0.0-rc.1",
  `ghcr.io/shop/basket@sha256:${"ab".repeat(32)}`,
);
const annotations = fc.dictionary(fc.constantFrom("example.com/role", "note", "team"), fc.string({ maxLength: 20 }), {
  noNullPrototype: true,
});
const labels = fc.dictionary(fc.constantFrom("team", "example.com/tier"), fc.constantFrom("shop", "a.b_c", ""), {
  noNullPrototype: true,
});

const envSource = fc.oneof(
  fc
    .record(
      { name: objectName, key: fc.constantFrom("password", "a.b"), optional: fc.boolean() },
      { requiredKeys: ["name", "key"] },
    )
    .chain((selector) => fc.constantFrom({ secretKeyRef: selector }, { configMapKeyRef: selector })),
  fc
    .record(
      { apiVersion: fc.constant("v1"), fieldPath: fc.constantFrom("metadata.name", "status.podIP") },
      { requiredKeys: ["fieldPath"] },
    )
    .map((fieldRef) => ({ fieldRef })),
  fc
    .record(
      {
        containerName: fc.constant("server"),
        resource: fc.constantFrom("limits.memory", "requests.memory"),
        divisor: fc.constantFrom("1Mi", 1),
      },
      { requiredKeys: ["resource"] },
    )
    .map((resourceFieldRef) => ({ resourceFieldRef })),
);
const envName = fc.constantFrom("PORT", "MCP_PATH", "MCP_REQUEST_STATE_KEY", "LOG_LEVEL", "SETTING", "a.b-c");
const env = fewByName(
  fc.oneof(
    fc.record({ name: envName, value: fc.string({ maxLength: 10 }) }),
    fc.record({ name: envName, valueFrom: envSource }),
    fc.record({ name: envName }),
  ),
);
const envFrom = few(
  fc
    .tuple(
      some({ prefix: fc.constantFrom("A_", "B_") }),
      fc.record({ name: objectName, optional: fc.boolean() }, { requiredKeys: ["name"] }),
      fc.constantFrom("secretRef", "configMapRef"),
    )
    .map(([prefix, source, kind]) => ({ ...prefix, [kind]: source })),
);

const quantities = (...values: (string | number)[]) =>
  fc.dictionary(fc.constantFrom("cpu", "memory"), fc.constantFrom(...values), { noNullPrototype: true });
/** Limits are above all requests, in any unit. */
const resources = some({ requests: quantities("50m", "0.1", 1), limits: quantities("2Gi", 2_000_000_000, "2e9") });

const labelSelector = some({
  matchLabels: fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("a", "b"), { noNullPrototype: true }),
  matchExpressions: few(
    fc.oneof(
      fc.record({
        key: fc.constant("app"),
        operator: fc.constantFrom("In" as const, "NotIn" as const),
        values: fc.constant(["a", "b"]),
      }),
      fc.record({ key: fc.constant("tier"), operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const) }),
    ),
  ),
});
const peer = fc.oneof(
  fc.record({
    ipBlock: fc.record(
      { cidr: fc.constant("10.0.0.0/8"), except: fc.constantFrom([], ["10.1.0.0/16"]) },
      { requiredKeys: ["cidr"] },
    ),
  }),
  fc.record({ podSelector: labelSelector }),
  fc.record({ podSelector: labelSelector, namespaceSelector: labelSelector }),
  fc.record({ namespaceSelector: labelSelector }),
);
const protocol = fc.constantFrom("TCP" as const, "UDP" as const, "SCTP" as const);
const egressPort = fc.oneof(
  some({ protocol, port: fc.oneof(numbers(1, 65_535), fc.constant("http")) }),
  fc.record({ protocol, port: numbers(1, 1000), endPort: numbers(1000, 65_535) }),
);
const network = some({ from: few(peer), egress: few(some({ to: few(peer), ports: few(egressPort) })) });

const amount = fc.constantFrom<string | number>("20", 20, "1500m", "2k");
const averageValue = amount.map((value) => ({ type: "AverageValue" as const, averageValue: value }));
const plainValue = amount.map((value) => ({ type: "Value" as const, value }));
const utilization = numbers(1, 100).map((averageUtilization) => ({ type: "Utilization" as const, averageUtilization }));
const identifier = fc.record(
  { name: fc.constantFrom("calls_in_flight", "queue_depth"), selector: labelSelector },
  { requiredKeys: ["name"] },
);
const metric = fc.oneof(
  fc.record({
    type: fc.constant("Resource" as const),
    resource: fc.record({ name: fc.constantFrom("cpu", "memory"), target: fc.oneof(utilization, averageValue) }),
  }),
  fc.record({
    type: fc.constant("ContainerResource" as const),
    containerResource: fc.record({ name: fc.constant("cpu"), container: fc.constant("server"), target: utilization }),
  }),
  fc.record({ type: fc.constant("Pods" as const), pods: fc.record({ metric: identifier, target: averageValue }) }),
  fc.record({
    type: fc.constant("Object" as const),
    object: fc.record({
      describedObject: fc.record(
        { apiVersion: fc.constant("v1"), kind: fc.constant("Service"), name: label },
        { requiredKeys: ["kind", "name"] },
      ),
      metric: identifier,
      target: fc.oneof(plainValue, averageValue),
    }),
  }),
  fc.record({
    type: fc.constant("External" as const),
    external: fc.record({ metric: identifier, target: fc.oneof(plainValue, averageValue) }),
  }),
);
const scalingRules = some({
  stabilizationWindowSeconds: numbers(0, 3600),
  selectPolicy: fc.constantFrom("Max" as const, "Min" as const, "Disabled" as const),
  tolerance: fc.constantFrom<string | number>("50m", "0.1", 0),
  policies: few(
    fc.record({
      type: fc.constantFrom("Pods" as const, "Percent" as const),
      value: numbers(1, 100),
      periodSeconds: numbers(1, 1800),
    }),
    1,
  ),
});
const bounds = fc.oneof(
  fc.constant({}),
  numbers(1, 10).map((minReplicas) => ({ minReplicas })),
  numbers(2, 100).map((maxReplicas) => ({ maxReplicas })),
  fc
    .tuple(numbers(1, 20), numbers(0, 20))
    .map(([minReplicas, more]) => ({ minReplicas, maxReplicas: minReplicas + more })),
);
const callTarget = fc.constantFrom(50, 0.5, 0.001);
const targets = some({
  cpu: numbers(1, 200),
  memory: numbers(1, 200),
  callsPerSecond: callTarget,
  callsInFlight: callTarget,
  metrics: few(metric),
  behavior: some({ scaleUp: scalingRules, scaleDown: scalingRules }),
});
const autoscaling = (enabled: fc.Arbitrary<{ enabled?: boolean }>) =>
  fc.tuple(enabled, bounds, targets).map(([on, between, rest]) => ({ ...on, ...between, ...rest }));
const scaled = fc.oneof(
  fc.constant({}),
  numbers(0, 5).map((replicas) => ({ replicas })),
  autoscaling(fc.constantFrom({}, { enabled: true }, { enabled: false })).map((value) => ({ autoscaling: value })),
  fc.record({ replicas: numbers(0, 5), autoscaling: autoscaling(fc.constant({ enabled: false })) }),
);

const sidecar = fc.constant({
  name: "proxy",
  image: "registry.example.com/proxy:3",
  ports: [{ name: "proxy", containerPort: 3128 }],
});
const serverContainer = fc
  .tuple(
    some({
      image,
      env: fc.constant([
        { name: "PORT", value: "1" },
        { name: "MORE", value: "more" },
      ]),
      volumeMounts: fc.constant([{ name: "cache", mountPath: "/cache" }]),
      readinessProbe: fc.constant({ tcpSocket: null, httpGet: { path: "/ready", port: "mcp" } }),
      lifecycle: fc.constant(null),
    }),
  )
  .map(([change]) => ({ name: "server", ...change }));
const antiAffinity = {
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 1,
        podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "other" } } },
      },
    ],
  },
};
/** Always with the volume that the container may mount. */
const template = some({
  metadata: some({ labels, annotations }),
  spec: fc
    .tuple(
      some({
        nodeSelector: fc.constant({ disk: "ssd" }),
        enableServiceLinks: fc.constantFrom(null, true),
        // More than any drainSeconds, or the API server refuses it.
        terminationGracePeriodSeconds: fc.constant(7200),
        securityContext: fc.constant({ fsGroup: null, runAsUser: 1000 }),
        tolerations: fc.constant([{ key: "dedicated", operator: "Exists" }]),
        affinity: fc.constant(antiAffinity),
        containers: fc.oneof(fc.tuple(serverContainer), fc.tuple(sidecar), fc.tuple(serverContainer, sidecar)),
      }),
    )
    .map(([change]) => ({ ...change, volumes: [{ name: "cache", emptyDir: { sizeLimit: "1Gi" } }] })),
});

const own = some({ resources, template });
const pool = fc
  .tuple(fc.record({ name: poolName }), scaled, own, some({ image }))
  .map((parts): Pool => Object.assign({}, ...parts));

const poolsThatTake = takingPools(fewByName(pool), { tools: 6, prompts: 3, resourceUris: 3, methods: 3 });

const canary = fc.tuple(fc.record({ image }), scaled, own, canaryShare).map((parts) => Object.assign({}, ...parts));
const legacy = fc
  .tuple(
    fc.oneof(
      some({ sessionful: fc.constant(true), replicas: numbers(0, 1) }),
      scaled.map((scale) => ({ sessionful: false, ...scale })),
    ),
    own,
    some({ image, command: few(fc.string({ maxLength: 10 })), args: few(fc.string({ maxLength: 10 })) }),
  )
  .map((parts) => Object.assign({}, ...parts));

const budget = fc.constantFrom<string | number>(0, 1, "25%", "100%");
const disruption = fc
  .tuple(
    fc.oneof(
      fc.constant({}),
      budget.map((maxUnavailable) => ({ maxUnavailable })),
      budget.map((minAvailable) => ({ minAvailable })),
    ),
    fc.oneof(
      fc.constant({}),
      numbers(0, 59).map((drainSeconds) => ({ drainSeconds })),
      numbers(6, 3600).map((gracePeriodSeconds) => ({ gracePeriodSeconds })),
      fc
        .tuple(numbers(0, 600), numbers(1, 3000))
        .map(([drainSeconds, more]) => ({ drainSeconds, gracePeriodSeconds: drainSeconds + more })),
    ),
  )
  .map(([allowed, drain]) => ({ ...allowed, ...drain }));
const requestState = fc.oneof(
  fc.constant({}),
  fc.record({ rotateEvery: fc.constantFrom("60s", "1m", "1h30m", "720h") }),
  fc.record({ secretRef: fc.record({ name: objectName }) }),
);
const serviceAccount = fc.oneof(
  some({ name: objectName, automountToken: fc.boolean() }),
  some({ annotations, automountToken: fc.boolean() }),
);

const volume = { storage: fc.constantFrom("1Gi", "500Mi", "20G"), storageClassName: objectName };
/** No request is above the least of the limits. */
const modest = quantities("128Mi", 200_000_000, "0.1Gi");
const limited = fc.record({
  requests: modest,
  limits: fc.record({ memory: fc.constantFrom<string | number>("256Mi", "1Gi", 2_000_000_000, "2e9") }),
});
const rotateEvery = fc.constantFrom("1h", "720h");
const managed = (version: fc.Arbitrary<string>) =>
  some({ ...volume, version, resources: limited, retain: fc.boolean(), rotateEvery });
const secretKey = fc.record({ name: objectName, key: fc.constantFrom("url", "ca.crt") });
const url = fc.record({ secretKeyRef: secretKey, caSecretKeyRef: secretKey }, { requiredKeys: ["secretKeyRef"] });
const cluster = some({ ...volume, instances: numbers(1, 9), retain: fc.boolean(), resources: limited });
const redis = fc.oneof(
  fc.record({ managed: managed(fc.constantFrom("8", "9.1.4", "8.1-alpine")) }),
  fc.record({ url }),
  fc.record({ replication: cluster }),
);
const postgresql = fc.oneof(
  fc.record({ managed: managed(fc.constantFrom("17", "18.6-trixie")) }),
  fc.record({ url }),
  fc.record({ cloudNativePg: cluster }),
);
const taskStore = fc
  .tuple(
    fc.oneof(fc.record({ redis }), fc.record({ postgresql }), fc.record({ ref: fc.record({ name: objectName }) })),
    some({ envName: fc.constantFrom("FASTMCP_DOCKET_URL", "MCP_TASK_STORE_URL") }),
  )
  .map(([source, name]) => ({ ...source, ...name }));

const exporters = fc.constantFrom<Record<string, Record<string, unknown>>>(
  { debug: {} },
  { "otlphttp/a": { endpoint: "https://otel.example.com", headers: { authorization: "Bearer x" } }, prometheus: {} },
);
const collector = fc
  .tuple(
    fc.record({ exporters }),
    some({
      processors: fc.constant({ "attributes/a": { actions: [] } }),
      env,
      replicas: numbers(1, 3),
      resources: limited,
    }),
  )
  .map(([needed, more]) => ({ ...needed, ...more }));
const endpoint = fc.record(
  {
    url: fc.constantFrom("https://otel.example.com:4317", "http://collector.observability.svc/otlp"),
    protocol: fc.constantFrom("grpc" as const, "http/protobuf" as const),
    headersSecretRef: secretKey,
  },
  { requiredKeys: ["url"] },
);
/** Calls may come in at the same port: whoever may scrape is named. */
const scraped = fc.record(
  {
    port: numbers(1, 65_535),
    from: few(peer),
    path: fc.constantFrom("/metrics", "/"),
    interval: fc.constantFrom("15s", "2m", "1h"),
    labels: fc.constantFrom({}, { release: "prometheus", "example.com/team": "" }),
  },
  { requiredKeys: ["port", "from"] },
);
const telemetry = fc
  .tuple(
    fc.oneof(
      fc.record({ collector }),
      fc.record({ collector, metrics: fc.constantFrom({}, { interval: "10s" }) }),
      fc.record({ collector, metrics: scraped }),
      fc.record({ endpoint }),
      fc.record({ endpoint, metrics: scraped }),
      fc.record({ shared: fc.record({ name: objectName }) }),
      fc.record({ metrics: scraped }),
    ),
    some({ samplingPercent: numbers(0, 100) }),
  )
  .map(([source, sampling]) => ({ ...source, ...sampling }));

type Pool = NonNullable<SpecInput["pools"]>[number];

/** Specs as users write them. */
export const specInput: fc.Arbitrary<SpecInput> = fc
  .tuple(
    fc.record({ image }),
    scaled,
    some({
      imagePullPolicy: fc.constantFrom("Always" as const, "IfNotPresent" as const, "Never" as const),
      imagePullSecrets: fewByName(fc.record({ name: objectName })),
      command: few(fc.string({ maxLength: 10 })),
      args: few(fc.string({ maxLength: 10 })),
      env,
      envFrom,
      port: numbers(1, 65_535),
      path: fc.constantFrom("/", "/mcp", "/v1/shop.a/mcp_~-"),
      protocolVersions: fc.constantFrom<("2026-07-28" | "2025-11-25")[]>(
        ["2026-07-28"],
        ["2025-11-25", "2026-07-28"],
        ["2026-07-28", "2025-11-25"],
      ),
      resources,
      pools: poolsThatTake,
      canary,
      legacy,
      routing,
    }),
    some({ requestState, taskStore, telemetry, disruption, network, serviceAccount, template, paused: fc.boolean() }),
  )
  .map((parts) => Object.assign({}, ...parts) as SpecInput);

/** A server in the namespace `shop`, as the operator sees it. Throws when the schema refuses the spec. */
export function serverOf(name: string, spec: SpecInput, uid = ""): McpServer {
  const parsed = parseSpec(spec);
  if ("problems" in parsed) throw new Error(`refused: ${JSON.stringify(parsed.problems)} in ${JSON.stringify(spec)}`);
  return { metadata: { name, namespace: "shop", uid, generation: 1 }, spec: parsed.spec };
}

/** Servers as the operator sees them, defaults filled in. */
export const mcpServer: fc.Arbitrary<McpServer> = fc
  .tuple(serverName, specInput)
  .map(([name, spec]) => serverOf(name, spec));
