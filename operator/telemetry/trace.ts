// Traces of the operator's own work, when the environment asks for them as it does of any OpenTelemetry SDK; without its word
// nothing of the SDK is loaded.
import type { RequestTracer } from "../kube/client.ts";
import type { Logger } from "./log.ts";

/** Runs work as a span: a child of the one that it is called in, or the first of a trace. */
export type Span = <T>(name: string, attributes: Record<string, string | number>, work: () => Promise<T>) => Promise<T>;

export interface Tracing {
  span: Span;
  /** Requests to the API server become spans of what they are made for; those of watches and leases none. */
  request: RequestTracer;
  /** Fields of a log line that tell the trace that it belongs to. */
  fields: () => Record<string, string>;
  /** Sends what is left, and returns in bounded time whether anybody takes it or not. */
  stop: () => Promise<void>;
}

const untraced: Tracing = {
  span: (_name, _attributes, work) => work(),
  request: (_request, send) => send({}),
  fields: () => ({}),
  stop: async () => {},
};

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
function isAsked(env: NodeJS.ProcessEnv): boolean {
  const isOff = env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none";
  return !isOff && Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT);
}

/** @param log hears when spans can't be sent */
export async function openTracing(instance: string, log: () => Logger): Promise<Tracing> {
  if (!isAsked(process.env)) return untraced;
  const { startTracing } = await import("./trace-sdk.ts");
  return startTracing(instance, log);
}
