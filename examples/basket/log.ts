// JSON lines on stdout: messages are constants, what varies is in fields, and neither keys nor arguments are ever among them.
import { type Logger, pino } from "pino";

export type Log = Logger;

/** What a log line tells about one request. */
export interface RequestFacts {
  method?: string;
  name?: string;
  traceId?: string;
}

export function createLog(fields: Record<string, string>): Log {
  const options = { base: fields, level: process.env.LOG_LEVEL || "info", timestamp: pino.stdTimeFunctions.isoTime };
  // Written at once: without this, the last lines of a process that ends come in the wrong order.
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

/**
 * Reads method, name and trace id out of a JSON-RPC message. The trace context is in `_meta` (MCP 2026-07-28), or in the
 * HTTP header of a client that knows only W3C Trace Context.
 */
export function describeRequest(message: unknown, traceparentHeader: string | null): RequestFacts {
  const { method, params } = asRecord(message);
  const { name, uri, _meta } = asRecord(params);
  const traceId = readTraceId(asRecord(_meta).traceparent) ?? readTraceId(traceparentHeader);
  const label = text(name) ?? text(uri);
  return {
    ...(typeof method === "string" && { method }),
    ...(label !== undefined && { name: label }),
    ...(traceId !== undefined && { traceId }),
  };
}

function readTraceId(traceparent: unknown): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(text(traceparent) ?? "")?.[1];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 256) : undefined;
}

/** The fields of an object; none of what is something else. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
