// Calls as an instrumented client makes them: a span a request, whose context goes along with it.
import {
  type Context,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import * as z from "zod";
import { callFast } from "./calls.ts";
import { connect, type Fetch } from "./client.ts";
import { ask } from "./question.ts";
import { callTask } from "./task.ts";

const traceable = z.object({
  url: z.string(),
  /** See `connect`. */
  via: z.string().optional(),
  /** Where spans go, by OTLP over HTTP, such as http://10.0.0.1:4318. */
  collector: z.string(),
  flow: z.enum(["call", "question", "task"]),
  /** Where servers and gateways find the context: in the message's `_meta`, in HTTP headers, or in both. */
  carriedBy: z.enum(["both", "message", "header"]).default("both"),
});

export type Traceable = z.input<typeof traceable>;

export interface Traced {
  readonly traceId: string;
  readonly result: unknown;
}

type Flow = (url: string, via: string | undefined, wrap: (fetch: Fetch) => Fetch) => Promise<unknown>;

const flows: Record<z.output<typeof traceable>["flow"], Flow> = {
  call: async (url, via, wrap) => {
    await using caller = await connect(url, "fresh", via, wrap);
    return await callFast(caller.client);
  },
  question: async (url, via, wrap) => {
    await using caller = await connect(url, "fresh", via, wrap);
    return await ask(caller.client);
  },
  task: async (url, via, wrap) => {
    await using caller = await connect(url, "fresh", via);
    const basket = await caller.client.callTool({ name: "create_basket", arguments: {} });
    const { basket_id } = z.object({ basket_id: z.string() }).parse(basket.structuredContent);
    const args = { basket_id, milliseconds: 1000 };
    return callTask({ url, tool: "pack_basket", args, ...(via && { via }) }, wrap);
  },
};

/** Goes through a flow in one trace, and returns when all spans of it are sent. */
export async function traced(what: Traceable): Promise<Traced> {
  const { url, via, collector, flow, carriedBy } = traceable.parse(what);
  const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "driver" }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("driver");
  const whole = tracer.startSpan(flow, {}, ROOT_CONTEXT);
  const baggage = propagation.createBaggage({ customer: { value: "alice" } });
  const context = propagation.setBaggage(trace.setSpan(ROOT_CONTEXT, whole), baggage);
  try {
    const result = await flows[flow](url, via, (fetch) => withSpans(fetch, { tracer, context, carriedBy }));
    return { traceId: whole.spanContext().traceId, result };
  } finally {
    whole.end();
    await provider.shutdown();
  }
}

interface Around {
  tracer: Tracer;
  context: Context;
  carriedBy: z.output<typeof traceable>["carriedBy"];
}

const propagator = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
});

/** A fetch of MCP messages with a span around each: until its answer begins, as that of a stream may have no end. */
function withSpans(fetch: Fetch, { tracer, context, carriedBy }: Around): Fetch {
  return (async (target: string, init: RequestInit) => {
    const message = JSON.parse(String(init.body)) as Message;
    const attributes = { "mcp.method.name": message.method };
    const span = tracer.startSpan(nameOf(message), { kind: SpanKind.CLIENT, attributes }, context);
    const carrier: Record<string, string> = {};
    propagator.inject(trace.setSpan(context, span), carrier, defaultTextMapSetter);
    const headers = new Headers(init.headers);
    if (carriedBy !== "message") for (const [key, value] of Object.entries(carrier)) headers.set(key, value);
    const body = JSON.stringify(carriedBy === "header" ? message : withMeta(message, carrier));
    try {
      return await fetch(target, { ...init, headers, body });
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }) as Fetch;
}

interface Message {
  method: string;
  params?: { name?: string; _meta?: object };
}

const nameOf = ({ method, params }: Message) => (method === "tools/call" ? `${method} ${params?.name}` : method);

const withMeta = ({ params, ...message }: Message, meta: object): Message => {
  return { ...message, params: { ...params, _meta: { ...params?._meta, ...meta } } };
};
