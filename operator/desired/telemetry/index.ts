// What a server's pods are told about telemetry, and the collector that they send it to.
import type { McpServer, Spec } from "../../api/mcpserver.ts";
import { intervalMs } from "../../api/metrics.ts";
import type { Telemetry } from "../../api/telemetry.ts";
import { roleSelector } from "../labels.ts";
import type { EnvVar } from "../pod-template.ts";
import type { EffectivePool } from "../pool.ts";
import { ports } from "./config.ts";
import { collectorName, collectorRole } from "./parts.ts";

/** The server that has the collector: the one that uses it, or the one that its `telemetry.shared` names. */
export interface TelemetryOwner {
  metadata: { name: string; namespace: string };
  telemetry: Telemetry;
}

type Sharing = { metadata: TelemetryOwner["metadata"]; spec: Pick<Spec, "telemetry"> };

/**
 * The server whose collector this one uses; undefined when it asks for none, or for that of a server that isn't there or has
 * none of its own.
 * @param find another server of the namespace
 */
export function telemetryOwner(
  { metadata, spec: { telemetry } }: Sharing,
  find: (name: string) => { metadata: TelemetryOwner["metadata"]; spec: Spec | undefined } | undefined,
): TelemetryOwner | undefined {
  if (!telemetry?.shared) return telemetry && { metadata, telemetry };
  const other = find(telemetry.shared.name);
  const theirs = other?.spec?.telemetry;
  return other && theirs && !theirs.shared ? { metadata: other.metadata, telemetry: theirs } : undefined;
}

/** Where telemetry goes. */
export interface TelemetryTarget {
  url: string;
  protocol: "http/protobuf" | "grpc";
  headers?: { name: string; key: string } | undefined;
  /** Labels of the collector's pods, when they run beside the server's. */
  pods?: Record<string, string>;
  /** Prometheus asks the collector every so many milliseconds. */
  scrapedEvery?: number;
}

/** Undefined when the owner only refers to another one's collector itself. */
export function telemetryTarget({ metadata, telemetry }: TelemetryOwner): TelemetryTarget | undefined {
  const { endpoint, collector, metrics } = telemetry;
  if (endpoint) return { url: endpoint.url, protocol: endpoint.protocol, headers: endpoint.headersSecretRef };
  if (!collector) return;
  const { name, namespace } = metadata;
  return {
    url: `http://${collectorName(name)}.${namespace}.svc:${ports.http}`,
    protocol: "http/protobuf",
    pods: roleSelector(name, collectorRole),
    ...(metrics && { scrapedEvery: intervalMs(metrics.interval) }),
  };
}

/** The version that an image's reference tells: its tag, or its digest. */
function versionOf(image: string): string | undefined {
  const [reference = "", digest] = image.split("@");
  return /:([^:/]+)$/.exec(reference)?.[1] ?? digest;
}

/** A value of OTEL_RESOURCE_ATTRIBUTES: https://opentelemetry.io/docs/specs/otel/resource/sdk/ */
const encoded = (value: string) => encodeURIComponent(value).replaceAll("%3A", ":");

function resourceAttributes({ metadata }: McpServer, pool: EffectivePool): string {
  const version = versionOf(pool.image);
  const attributes = {
    "service.namespace": metadata.namespace,
    ...(version !== undefined && { "service.version": version }),
    "k8s.namespace.name": metadata.namespace,
    "k8s.deployment.name": pool.objectName,
    "anypod.pool": pool.name,
  };
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${encoded(value)}`);
  // The kubelet puts the names of pods in.
  return [...pairs, "k8s.pod.name=$(ANYPOD_POD_NAME)"].join(",");
}

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
function samplerEnv({ samplingPercent }: Telemetry): EnvVar[] {
  if (samplingPercent === undefined) return [];
  return [
    { name: "OTEL_TRACES_SAMPLER", value: "parentbased_traceidratio" },
    { name: "OTEL_TRACES_SAMPLER_ARG", value: String(samplingPercent / 100) },
  ];
}

/**
 * SDKs send metrics once a minute by themselves: most scrapes would find what the one before found. Some refuse an interval that
 * is shorter than their time-out.
 */
const intervalEnv = (ms: number): EnvVar[] => [
  { name: "OTEL_METRIC_EXPORT_INTERVAL", value: String(ms) },
  { name: "OTEL_METRIC_EXPORT_TIMEOUT", value: String(Math.min(ms, 30_000)) },
];

/** The variables that pods of a pool get. @param target none: nobody knows where telemetry goes */
export function telemetryEnv(server: McpServer, pool: EffectivePool, target: TelemetryTarget | undefined): EnvVar[] {
  const { telemetry } = server.spec;
  if (!telemetry || !target) return [];
  const { url, protocol, headers, scrapedEvery } = target;
  // Without the Secret, the server runs on, and its telemetry is refused.
  const secret = headers && { valueFrom: { secretKeyRef: { ...headers, optional: true } } };
  return [
    { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: url },
    { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: protocol },
    ...(secret ? [{ name: "OTEL_EXPORTER_OTLP_HEADERS", ...secret }] : []),
    { name: "OTEL_SERVICE_NAME", value: server.metadata.name },
    { name: "ANYPOD_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "OTEL_RESOURCE_ATTRIBUTES", value: resourceAttributes(server, pool) },
    { name: "OTEL_PROPAGATORS", value: "tracecontext,baggage" },
    ...samplerEnv(telemetry),
    ...(scrapedEvery === undefined ? [] : intervalEnv(scrapedEvery)),
  ];
}
