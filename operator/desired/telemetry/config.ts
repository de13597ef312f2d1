// The configuration of a server's collector: OTLP in, the user's exporters out, and between them what keeps it alive.
// https://opentelemetry.io/docs/collector/configuration/
import type { McpServer } from "../../api/mcpserver.ts";
import { type Collector, ownExporter, type Telemetry } from "../../api/telemetry.ts";

/** `metrics` are the collector's own, `told` those that it tells Prometheus of what it gets by OTLP. */
export const ports = { grpc: 4317, http: 4318, metrics: 8888, told: 8889, health: 13133 };

const signals = ["traces", "metrics", "logs"] as const;
type Signal = (typeof signals)[number];

/** Exporters that take some signals only; all others take all. */
const takes: Record<string, Signal[]> = {
  prometheus: ["metrics"],
  prometheusremotewrite: ["metrics"],
  zipkin: ["traces"],
};
const typeOf = (exporter: string) => exporter.split("/")[0] ?? "";
const takesSignal = (exporter: string, signal: Signal) => takes[typeOf(exporter)]?.includes(signal) ?? true;

const everywhere = (port: number) => ({ endpoint: `0.0.0.0:${port}` });

/** A pipeline for each signal that an exporter takes. */
function pipelines({ exporters, processors = {} }: Collector): Record<string, object> {
  const through = ["memory_limiter", ...Object.keys(processors).sort(), "resource", "batch"];
  const entries = signals.map((signal) => {
    const out = Object.keys(exporters).filter((exporter) => takesSignal(exporter, signal));
    return [signal, { receivers: ["otlp"], processors: through, exporters: out.sort() }] as const;
  });
  return Object.fromEntries(entries.filter(([, { exporters: out }]) => out.length > 0));
}

/** With the fields of all objects in order: the API server doesn't keep that of the user's file. */
function ordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(ordered) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, nested]) => [name, ordered(nested)])) as T;
}

/** Whose metrics they are stands on every one: Prometheus knows only whom it scraped, the collector. */
const tellPrometheus = { ...everywhere(ports.told), resource_to_telemetry_conversion: { enabled: true } };

const withOwn = (exporters: Collector["exporters"], metrics: Telemetry["metrics"]) =>
  metrics ? { ...exporters, [ownExporter]: tellPrometheus } : exporters;

export function collectorConfig({ metadata, spec }: McpServer, collector: Collector): object {
  const exporters = withOwn(collector.exporters, spec.telemetry?.metrics);
  const attributes = { "service.name": metadata.name, "service.namespace": metadata.namespace };
  return {
    receivers: { otlp: { protocols: { grpc: everywhere(ports.grpc), http: everywhere(ports.http) } } },
    processors: {
      memory_limiter: { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 25 },
      ...ordered(collector.processors),
      // For what says nothing of itself; pods of the server say more.
      resource: {
        attributes: Object.entries(attributes).map(([key, value]) => ({ key, value, action: "insert" })),
      },
      batch: {},
    },
    exporters: ordered(exporters),
    extensions: { health_check: everywhere(ports.health) },
    service: {
      extensions: ["health_check"],
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: "0.0.0.0", port: ports.metrics } } } }] },
      },
      pipelines: pipelines({ ...collector, exporters }),
    },
  };
}
