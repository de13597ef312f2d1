// The OpenTelemetry SDK, set up by its own environment variables. It bounds its queue and drops what nobody takes.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
import { setTimeout as delay } from "node:timers/promises";
import {
  context,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { defaultResource, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { errorFields, type Logger } from "./log.ts";
import type { Span, Tracing } from "./trace.ts";

/** The lease of an operator that stops waits for no trace. */
const flushWithin = 1000;

/** Ends the span when the work does, with what went wrong. */
async function ended<T>(span: OtelSpan, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { error: message, status } = errorFields(error);
    span.setAttribute("error.type", status === undefined ? ((error as Error).name ?? "error") : String(status));
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw error;
  } finally {
    span.end();
  }
}

/** Tells that spans can't be sent: once, until another thing is wrong. What the SDK says may repeat a token, so it isn't told. */
function watchExporter(log: () => Logger): void {
  let last = "";
  const failed = (text: string) => {
    if (text === last) return;
    last = text;
    log().warn("traces can't be sent: see OTEL_EXPORTER_OTLP_ENDPOINT and what listens there");
  };
  const ignored = () => {};
  const logger = { error: failed, warn: ignored, info: ignored, debug: ignored, verbose: ignored };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
}

export function startTracing(instance: string, log: () => Logger): Tracing {
  watchExporter(log);
  // Metrics are Prometheus' to fetch, and the log goes to stdout.
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({ "service.name": "anypod", "service.instance.id": instance }),
    ),
    resourceDetectors: [envDetector],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  const tracer = trace.getTracer("anypod");

  const span: Span = (name, attributes, work) =>
    tracer.startActiveSpan(name, { attributes }, (active) => ended(active, work));

  return {
    span,
    request: async ({ method, path }, send) => {
      if (!trace.getActiveSpan()) return send({});
      const attributes = { "http.request.method": method, "url.path": path };
      return tracer.startActiveSpan(method, { kind: SpanKind.CLIENT, attributes }, (active) =>
        ended(active, async () => {
          const headers: Record<string, string> = {};
          propagation.inject(context.active(), headers);
          const response = await send(headers);
          active.setAttribute("http.response.status_code", response.statusCode);
          if (response.statusCode >= 400) active.setStatus({ code: SpanStatusCode.ERROR });
          return response;
        }),
      );
    },
    fields: () => {
      const active = trace.getActiveSpan()?.spanContext();
      return active ? { trace_id: active.traceId, span_id: active.spanId } : {};
    },
    stop: async () => {
      await Promise.race([sdk.shutdown().catch(() => {}), delay(flushWithin, undefined, { ref: false })]);
    },
  };
}
