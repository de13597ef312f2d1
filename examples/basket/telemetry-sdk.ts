// The OpenTelemetry SDK, set up by its own environment variables, and what becomes of spans that nobody takes: they are
// counted and dropped. The queue is bounded, and no call waits for a collector.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type DiagLogger, DiagLogLevel, diag } from "@opentelemetry/api";
import { OTLPMetricExporter as OverGrpc } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as OverHttpJson } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as OverHttp } from "@opentelemetry/exporter-metrics-otlp-proto";
import { defaultResource, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { DataPointType, MetricReader, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { Log } from "./log.ts";
import { reasonOf } from "./reason.ts";
import type { Self } from "./telemetry.ts";

/** No pod stays longer than this for its last spans to be taken. */
const FLUSH_MS = 2000;
const LOOK_EVERY_MS = 10_000;

/** @returns what sends the rest and ends it all, in bounded time */
export function startSdk({ name, version }: Self, log: Log): () => Promise<void> {
  // Makes the SDK count its own spans, and those that it dropped.
  env.OTEL_NODE_EXPERIMENTAL_SDK_METRICS ??= "true";
  const own = new OwnMetrics();
  const sdk = new NodeSDK({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come on top. The SDK can find out more, such as the process's number:
    // that would make other series of all metrics with every start.
    resource: defaultResource().merge(resourceFromAttributes({ "service.name": name, "service.version": version })),
    resourceDetectors: [envDetector],
    metricReaders: [...metricReaders(), own],
    // The log goes to stdout, where a cluster looks for it.
    logRecordProcessors: [],
  });
  const losses = watchLosses(own, log);
  diag.setLogger(losses.diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  const timer = setInterval(losses.look, LOOK_EVERY_MS).unref();
  return async () => {
    clearInterval(timer);
    await losses.look();
    const sent = sdk.shutdown().then(
      () => true,
      () => false,
    );
    if (!(await Promise.race([sent, sleep(FLUSH_MS, false, { ref: false })]))) log.warn("last spans not taken");
  };
}

const exporters = { grpc: OverGrpc, "http/json": OverHttpJson, "http/protobuf": OverHttp };

/** As the SDK itself would make them: it adds none to those that it is given. */
function metricReaders(): MetricReader[] {
  if (env.OTEL_METRICS_EXPORTER === "none") return [];
  const protocol = env.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const Exporter = exporters[protocol as keyof typeof exporters] ?? OverHttp;
  const exportIntervalMillis = Number(env.OTEL_METRIC_EXPORT_INTERVAL) || 60_000;
  const exportTimeoutMillis = Math.min(30_000, exportIntervalMillis);
  return [new PeriodicExportingMetricReader({ exporter: new Exporter(), exportIntervalMillis, exportTimeoutMillis })];
}

/** For a look at what the SDK tells of itself. */
class OwnMetrics extends MetricReader {
  protected async onForceFlush() {}
  protected async onShutdown() {}

  /** How many spans were dropped: the queue was full, or nobody took them. */
  async droppedSpans(): Promise<number> {
    const { resourceMetrics } = await this.collect();
    const points = resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => descriptor.name === "otel.sdk.processor.span.processed")
      .flatMap((metric) => (metric.dataPointType === DataPointType.SUM ? metric.dataPoints : []));
    const failed = points.filter(({ attributes }) => attributes["error.type"] !== undefined);
    return failed.reduce((sum, { value }) => sum + value, 0);
  }
}

/** Tells the log why spans are dropped, once, and how many, from time to time. */
function watchLosses(own: OwnMetrics, log: Log): { look: () => Promise<void>; diagnostics: DiagLogger } {
  let dropped = 0;
  let lastReason = "";
  const look = async () => {
    const now = await own.droppedSpans();
    if (now > dropped) log.warn({ dropped: now - dropped, droppedInAll: now }, "spans dropped");
    else lastReason = "";
    dropped = now;
  };
  const warned = (said: string) => log.warn({ said }, "telemetry");
  const failed = (text: string) => {
    const reason = reasonIn(text);
    if (reason === undefined) return warned(text);
    if (reason !== lastReason) log.warn({ reason }, "telemetry can't be sent");
    lastReason = reason;
  };
  const ignored = () => undefined;
  return { look, diagnostics: { error: failed, warn: warned, info: ignored, debug: ignored, verbose: ignored } };
}

/**
 * The SDK tells errors of exports as JSON, with what the collector answered: that may repeat a token, so only a code is taken
 * of it. Undefined for what it says in its own words, such as that a variable is wrong.
 */
function reasonIn(text: string): string | undefined {
  try {
    return reasonOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
