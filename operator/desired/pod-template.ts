// The pod of a pool: restricted, drained before it stops, told all that it needs by its environment.

import type { McpServer, Spec } from "../api/mcpserver.ts";
import { serverContainer } from "../api/template.ts";
import { objectLabels, poolSelector } from "./labels.ts";
import { merge } from "./merge.ts";
import type { EffectivePool } from "./pool.ts";
import { requestStateEnv } from "./request-state.ts";
import { restrictedContainer } from "./restricted.ts";
import { serviceAccountName } from "./service-account.ts";
import { type StoreAccess, storeUse } from "./task-store/access.ts";
import { type TelemetryTarget, telemetryEnv } from "./telemetry/index.ts";

export interface EnvVar {
  name: string;
  value?: string | undefined;
  valueFrom?: object | undefined;
}
interface Container {
  name: string;
  env?: EnvVar[];
  envFrom?: { secretRef?: { name: string; optional?: boolean }; configMapRef?: { name: string; optional?: boolean } }[];
  [field: string]: unknown;
}
export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[]; imagePullSecrets?: { name: string }[]; [field: string]: unknown };
  [field: string]: unknown;
}

/** Name of the container's port, which Services and probes refer to. */
export const portName = "mcp";
const metricsPortName = "metrics";
/** Name of the port that the server tells metrics at. */
export const scrapedPort = ({ port, telemetry }: Spec) =>
  telemetry?.metrics?.port === port ? portName : metricsPortName;
/** The user that pods run as: `nonroot` in distroless images; set, because images rarely name a numeric one. */
const nonRoot = 65532;

/** anypod's variables, unless the user sets one of the same name. */
function environment(server: McpServer, ofUses: EnvVar[]): EnvVar[] {
  const { spec } = server;
  const own: EnvVar[] = [
    { name: "PORT", value: String(spec.port) },
    { name: "MCP_PATH", value: spec.path },
    ...requestStateEnv(server),
    ...ofUses,
  ];
  const theirs = spec.env ?? [];
  return [...own.filter(({ name }) => !theirs.some((variable) => variable.name === name)), ...theirs];
}

/** An object without its undefined fields, so that absent and undefined read the same everywhere. */
const pick = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

function container(server: McpServer, pool: EffectivePool, { store, telemetry }: PodUses): Container {
  const { imagePullPolicy, envFrom, port, disruption } = server.spec;
  const { command, args } = pool;
  const uses = storeUse(server, store);
  return {
    name: serverContainer,
    image: pool.image,
    ...pick({ imagePullPolicy, command, args, envFrom }),
    env: environment(server, [...uses.env, ...telemetryEnv(server, pool, telemetry)]),
    ports: [{ name: portName, containerPort: port, protocol: "TCP" }, ...metricsPort(server)],
    resources: pool.resources,
    // A GET would fail a server that answers POST alone, as 2026-07-28 has it.
    readinessProbe: { tcpSocket: { port: portName }, periodSeconds: 2 },
    lifecycle: drain(disruption),
    securityContext: restrictedContainer,
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...uses.volumeMounts],
  };
}

/** The port that the server tells metrics at, unless it is that of calls. */
function metricsPort({ spec }: McpServer): object[] {
  const containerPort = spec.telemetry?.metrics?.port;
  if (containerPort === undefined || containerPort === spec.port) return [];
  return [{ name: metricsPortName, containerPort, protocol: "TCP" }];
}

/** Goes on serving while endpoints and gateways learn that the pod goes: the kubelet sleeps, as images have no shell. */
function drain({ drainSeconds }: Spec["disruption"]) {
  return { preStop: { sleep: { seconds: drainSeconds } } };
}

/** Prefers pods apart, on nodes and in zones, but never keeps one from running. */
function spread(server: McpServer, pool: EffectivePool) {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: poolSelector(server.metadata.name, pool.name) },
    matchLabelKeys: ["pod-template-hash"],
  }));
}

/** What pods use that is elsewhere. */
export interface PodUses {
  /** Where tasks are kept. */
  store?: StoreAccess | undefined;
  /** Where telemetry goes. */
  telemetry?: TelemetryTarget | undefined;
}

/** The pod template of a pool, the user's own partial templates merged in. */
export function podTemplate(server: McpServer, pool: EffectivePool, uses: PodUses = {}): PodTemplate {
  const { spec, metadata } = server;
  const store = storeUse(server, uses.store);
  const base: PodTemplate = {
    metadata: { labels: { ...objectLabels(metadata.name, pool.name), ...store.labels } },
    spec: {
      serviceAccountName: serviceAccountName(server),
      automountServiceAccountToken: spec.serviceAccount.automountToken,
      enableServiceLinks: false,
      ...pick({ imagePullSecrets: spec.imagePullSecrets }),
      terminationGracePeriodSeconds: spec.disruption.gracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: nonRoot,
        runAsGroup: nonRoot,
        fsGroup: nonRoot,
        seccompProfile: { type: "RuntimeDefault" },
      },
      topologySpreadConstraints: spread(server, pool),
      containers: [container(server, pool, uses)],
      volumes: [{ name: "tmp", emptyDir: {} }, ...store.volumes],
    },
  };
  return pool.templates.reduce<Record<string, unknown>>(
    merge,
    base as Record<string, unknown>,
  ) as unknown as PodTemplate;
}
