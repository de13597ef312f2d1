// An MCP request as OpenTelemetry's conventions describe it: a span, and a measurement in a histogram.
// https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/
import {
  type Context,
  context,
  type Link,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { watchAnswer } from "./answer.ts";
import { asRecord } from "./log.ts";
import type { Ended, Operation, Received } from "./telemetry.ts";

const METHOD = "mcp.method.name";
const LISTEN = "subscriptions/listen";
const BUCKETS_IN_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

type Facts = Readonly<Record<string, string>>;

/** @returns what begins the span of a request */
export function watchOperations(): (received: Received) => Operation | undefined {
  const tracer = trace.getTracer("basket");
  const duration = metrics.getMeter("basket").createHistogram("mcp.server.operation.duration", {
    description: "How long MCP requests took, from their beginning to the end of their answers.",
    unit: "s",
    advice: { explicitBucketBoundaries: BUCKETS_IN_SECONDS },
  });
  const confirm = confirmation();

  return (received) => {
    const start = performance.now();
    const facts = factsOf(received);
    if (facts[METHOD] === undefined) return;
    const { parent, links } = whence(received);
    const attributes = { ...facts, ...detailsOf(received) };
    const span = tracer.startSpan(nameOf(facts), { kind: SpanKind.SERVER, attributes, links }, parent);
    let failure: string | undefined;
    const answer = async (handle: () => Promise<Response>) =>
      watchAnswer(await handle(), (found) => {
        failure = found;
      });
    return {
      answer: (handle) => context.with(trace.setSpan(parent, span), answer, undefined, handle),
      end: (ended) => {
        const error = failure ?? httpFailure(ended, facts);
        const known = confirm(facts, error);
        duration.record((performance.now() - start) / 1000, { ...known, ...(error && { "error.type": error }) });
        endSpan(span, known, error);
      },
    };
  };
}

/** What an operation is: few values, so that each can be a label of the histogram. */
function factsOf({ message, headers }: Received): Facts {
  const { method, params } = asRecord(message);
  const { name, _meta } = asRecord(params);
  const version = asRecord(_meta)["io.modelcontextprotocol/protocolVersion"] ?? headers.get("mcp-protocol-version");
  return {
    ...text(METHOD, method),
    ...(method === "tools/call" && { "gen_ai.operation.name": "execute_tool", ...text("gen_ai.tool.name", name) }),
    ...(method === "prompts/get" && text("gen_ai.prompt.name", name)),
    ...text("mcp.protocol.version", version),
  };
}

/** What is different with each request. Nothing of its arguments or its result is ever among it. */
function detailsOf({ message }: Received): Facts {
  const { id, method, params } = asRecord(message);
  return {
    ...((typeof id === "string" || typeof id === "number") && { "jsonrpc.request.id": String(id) }),
    ...(method === "resources/read" && text("mcp.resource.uri", asRecord(params).uri)),
    "network.protocol.name": "http",
    "network.transport": "tcp",
  };
}

const nameOf = (facts: Facts) =>
  [facts[METHOD], facts["gen_ai.tool.name"] ?? facts["gen_ai.prompt.name"]].filter(Boolean).join(" ");

const text = (key: string, value: unknown): Facts => (typeof value === "string" ? { [key]: value.slice(0, 256) } : {});

/**
 * The parent is the client's span, which is in `_meta` (MCP 2026-07-28); that in the HTTP header, which is of the gateway if
 * that has spans, is linked. A client that knows only W3C Trace Context has the header alone.
 */
function whence({ message, headers }: Received): { parent: Context; links: Link[] } {
  const meta = asRecord(asRecord(asRecord(message).params)._meta);
  const byHttp = propagation.extract(ROOT_CONTEXT, Object.fromEntries(headers));
  const byMessage = propagation.extract(ROOT_CONTEXT, meta);
  const http = trace.getSpanContext(byHttp);
  const client = trace.getSpanContext(byMessage);
  if (client === undefined) return { parent: withBaggage(byHttp, byMessage), links: [] };
  const isOther = http !== undefined && http.spanId !== client.spanId;
  return { parent: withBaggage(byMessage, byHttp), links: isOther ? [{ context: http }] : [] };
}

/** Baggage may come the other way than the trace does. */
function withBaggage(from: Context, other: Context): Context {
  const baggage = propagation.getBaggage(from) ?? propagation.getBaggage(other);
  return baggage === undefined ? from : propagation.setBaggage(from, baggage);
}

/** A stream of events about changes has no end but that its client leaves. */
function httpFailure({ status, aborted }: Ended, facts: Facts): string | undefined {
  if (status >= 400) return String(status);
  return aborted && facts[METHOD] !== LISTEN ? "cancelled" : undefined;
}

const OTHER = "_OTHER";
const METHODS = `server/discover initialize ping tools/list tools/call prompts/list prompts/get resources/list
  resources/templates/list resources/read resources/subscribe resources/unsubscribe completion/complete logging/setLevel
  tasks/get tasks/update tasks/cancel ${LISTEN}`.split(/\s+/);

/**
 * Clients may make up names, and each would be a series of its own in every metric. So a name is told from the first request
 * on that this server didn't refuse, and is `_OTHER` before.
 */
function confirmation(): (facts: Facts, error: string | undefined) => Facts {
  const confirmed = new Set(["execute_tool", ...METHODS]);
  return (facts, error) => {
    const values = Object.values(facts);
    if (error === undefined || error === "tool_error") for (const value of values) confirmed.add(value);
    if (values.every((value) => confirmed.has(value))) return facts;
    const entries = Object.entries(facts).map(([key, value]) => [key, confirmed.has(value) ? value : OTHER]);
    return Object.fromEntries(entries);
  };
}

function endSpan(span: Span, known: Facts, error: string | undefined): void {
  if (error !== undefined) {
    span.setAttribute("error.type", error);
    if (/^-\d+$/.test(error)) span.setAttribute("rpc.response.status_code", error);
    // Without a description: the message of an error may quote arguments.
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.updateName(nameOf(known));
  }
  span.end();
}
