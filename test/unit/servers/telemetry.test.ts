// What the sample server tells OpenTelemetry of its calls, and that nobody waits for it.
import { context, propagation } from "@opentelemetry/api";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { openTelemetry } from "../../../examples/basket/telemetry.ts";
import { makeCalls } from "../../driver/calls.ts";
import { connect } from "../../driver/client.ts";
import { send } from "../../driver/send.ts";
import { message, toolCall } from "../../gateways/wire.ts";
import { type OtlpSink, otlpSink } from "../../support/otlp-sink.ts";
import { basket, conformance, startServer, waitFor } from "./harness.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const clientSpan = "00f067aa0ba902b7";
const gatewaySpan = "b7ad6b7169203331";
const traceparent = (span: string) => `00-${trace}-${span}-01`;

const told = ({ url }: Pick<OtlpSink, "url">) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_RESOURCE_ATTRIBUTES: "service.namespace=shop,k8s.pod.name=basket-1,anypod.pool=main",
});

/** Runs a server while `talk` does, and returns what it has told by its end, which came in good order. */
async function observed(talk: (url: string) => Promise<unknown>, entry = basket) {
  await using sink = await otlpSink();
  await using server = await startServer(entry, told(sink));
  await talk(server.url);
  expect(await server.stop()).toBe(0);
  const durations = sink.points().filter(({ metric }) => metric === "mcp.server.operation.duration");
  return { spans: sink.spans, durations, log: server.log };
}

test("a call is a span under the client's, linked to the gateway's, and is measured", async () => {
  const { spans, durations } = await observed(async (url) => {
    const { headers, body } = toolCall(url, "price", { item: "canary-tea" });
    const { params, ...rest } = JSON.parse(body!);
    const _meta = { ...params._meta, traceparent: traceparent(clientSpan), tracestate: "vendor=1" };
    await send({
      url,
      headers: { ...headers, traceparent: traceparent(gatewaySpan) },
      body: JSON.stringify({ ...rest, id: "seven", params: { ...params, _meta } }),
    });
  });
  expect(spans).toMatchObject([
    {
      name: "tools/call price",
      kind: 2,
      traceId: trace,
      parentSpanId: clientSpan,
      traceState: "vendor=1",
      links: [{ traceId: trace, spanId: gatewaySpan }],
      attributes: {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "price",
        "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": "2026-07-28",
        "jsonrpc.request.id": "seven",
      },
      resource: { "service.name": "basket", "service.namespace": "shop", "k8s.pod.name": "basket-1" },
      status: { code: 0 },
    },
  ]);
  expect(JSON.stringify(spans)).not.toContain("canary-tea");
  // A number that each start has anew would make each metric another series.
  expect(Object.keys(spans[0]!.resource).filter((key) => /^(process|host)\./.test(key))).toEqual([]);
  expect(durations).toMatchObject([
    {
      attributes: {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "price",
        "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": "2026-07-28",
      },
      count: 1,
      bounds: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
    },
  ]);
  expect(Object.keys(durations[0]!.attributes)).toHaveLength(4);
  expect(durations[0]!.sum).toBeGreaterThan(0);
  expect(durations[0]!.sum).toBeLessThan(5);
});

test("a client that knows only the HTTP header is the parent by that", async () => {
  const { spans } = await observed((url) => {
    const list = message(url, "tools/list", { headers: { traceparent: traceparent(clientSpan) } });
    return send(list);
  });
  expect(spans).toMatchObject([{ name: "tools/list", traceId: trace, parentSpanId: clientSpan, links: [] }]);
});

test("what fails says how: by the code of JSON-RPC, by the tool, or that its client left, also at the end of a stream", async () => {
  const { spans, durations } = await observed(async (url) => {
    await send(toolCall(url, "show_basket", { basket_id: "nothing" }));
    await send(toolCall(url, "show_basket", { basket_id: "nothing" }, { "Mcp-Name": "price" }));
    await send(message(url, "tools/list", { headers: { "Content-Type": "text/plain" } }));
    const { headers, body } = toolCall(url, "gift_wrap", { milliseconds: 0 });
    const { params, ...rest } = JSON.parse(body!);
    const wrong = { ...params, arguments: { milliseconds: -1 }, _meta: { ...params._meta, progressToken: 1 } };
    await send({ url, headers, body: JSON.stringify({ ...rest, params: wrong }) });
    const slow = { ...wrong, arguments: { milliseconds: 20_000 } };
    await send({ url, headers, body: JSON.stringify({ ...rest, params: slow }), leave: true });
  });
  const errors = spans.map(({ name, status, attributes }) => [name, status.code, attributes["error.type"]]);
  expect(errors).toEqual([
    ["tools/call show_basket", 2, "tool_error"],
    ["tools/call show_basket", 2, "-32020"],
    ["tools/list", 2, "-32000"],
    ["tools/call gift_wrap", 2, "tool_error"],
    ["tools/call gift_wrap", 2, "cancelled"],
  ]);
  expect(durations.map(({ attributes }) => attributes["error.type"])).toContain("-32020");
  expect(spans.every(({ status }) => status.message === undefined)).toBe(true);
});

test("names that clients make up are in spans alone, and make no series", async () => {
  const { spans, durations } = await observed(async (url) => {
    for (const name of ["no-tool-1", "no-tool-2"]) await send(toolCall(url, name, {}));
    for (const method of ["no/method/1", "no/method/2"]) await send(message(url, method));
    await send(toolCall(url, "price", { item: "tea" }));
  });
  expect(spans.map(({ name, attributes }) => [name, attributes["gen_ai.tool.name"]])).toEqual([
    ["tools/call _OTHER", "no-tool-1"],
    ["tools/call _OTHER", "no-tool-2"],
    ["_OTHER", undefined],
    ["_OTHER", undefined],
    ["tools/call price", "price"],
  ]);
  expect(JSON.stringify(durations)).not.toMatch(/no-tool|no\/method/);
  const counts = durations.map(({ attributes, count }) => [
    attributes["mcp.method.name"],
    attributes["gen_ai.tool.name"],
    attributes["error.type"],
    count,
  ]);
  expect(counts).toEqual([
    ["tools/call", "_OTHER", "-32602", 2],
    ["_OTHER", undefined, "-32601", 2],
    ["tools/call", "price", undefined, 1],
  ]);
});

test("a stream of changes is told apart by its method, and is no failure when its client leaves", async () => {
  const { spans, durations } = await observed(async (url) => {
    await using caller = await connect(url, "kept");
    const stream = await caller.client.listen({ toolsListChanged: true });
    await stream.close();
  }, conformance);
  const [listen] = spans.filter(({ name }) => name === "subscriptions/listen");
  expect(listen).toMatchObject({ status: { code: 0 } });
  expect(durations.map(({ attributes }) => attributes["mcp.method.name"])).toContain("subscriptions/listen");
});

test("baggage comes in by either way, and belongs to what a tool calls; without JSON-RPC, the HTTP status is the error", async () => {
  await using sink = await otlpSink();
  for (const [name, value] of Object.entries(told(sink))) vi.stubEnv(name, value);
  const telemetry = await openTelemetry({ name: "basket", version: "1" }, pino({ level: "silent" }));
  const baggage = async (headers: Record<string, string>, meta: object) => {
    const body = { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: meta } };
    const operation = telemetry.begin({ message: body, headers: new Headers(headers) })!;
    const carried: Record<string, string> = {};
    await operation.answer(async () => {
      propagation.inject(context.active(), carried);
      return new Response("{}");
    });
    return carried;
  };
  const byMessage = await baggage({}, { traceparent: traceparent(clientSpan), baggage: "user=alice" });
  expect(byMessage).toMatchObject({ baggage: "user=alice", traceparent: expect.stringContaining(trace) });
  expect(byMessage.traceparent).not.toContain(clientSpan);
  expect(await baggage({ baggage: "user=bob" }, { traceparent: traceparent(clientSpan) })).toMatchObject({
    baggage: "user=bob",
  });
  const refused = telemetry.begin({ message: { method: "tools/list" }, headers: new Headers() })!;
  await refused.answer(async () => new Response("busy"));
  refused.end({ status: 503, aborted: false });
  await telemetry.close();
  expect(sink.spans).toMatchObject([{ name: "tools/list", attributes: { "error.type": "503" } }]);
  vi.unstubAllEnvs();
});

test("nothing of the SDK is loaded unless the environment asks for it", async () => {
  const refuse = `import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name.startsWith("@opentelemetry/")) throw new Error("loads " + name);
      return next(name, context);
    } });`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(refuse)}`;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  await expect(startServer(basket, { NODE_OPTIONS, ...endpoint })).rejects.toThrow(/loads @opentelemetry/);
  for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: "" }, { ...endpoint, OTEL_SDK_DISABLED: "true" }]) {
    await using server = await startServer(basket, { NODE_OPTIONS, ...env });
    expect((await makeCalls(server.url, 2)).failed).toBe(0);
  }
});

/** Little room and patience, so that a few calls are too many. */
const narrow = {
  OTEL_BSP_MAX_QUEUE_SIZE: "10",
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "5",
  OTEL_BSP_SCHEDULE_DELAY: "50",
  OTEL_EXPORTER_OTLP_TIMEOUT: "200",
};

test("without a collector, calls are answered and spans are counted as dropped", async () => {
  await using server = await startServer(basket, { ...told({ url: "http://127.0.0.1:9" }), ...narrow });
  const { calls, failed } = await makeCalls(server.url, 40);
  expect({ calls, failed }).toEqual({ calls: 40, failed: 0 });
  await waitFor("the log says why", () => server.log.some(({ msg }) => msg === "telemetry can't be sent"));
  expect(server.log.find(({ msg }) => msg === "telemetry can't be sent")).toMatchObject({ reason: "ECONNREFUSED" });
  expect(await server.stop()).toBe(0);
  const { droppedInAll } = server.log.findLast(({ msg }) => msg === "spans dropped") ?? {};
  expect(droppedInAll).toBeGreaterThan(0);
  expect(server.stderr()).toBe("");
});

test("a collector that takes and never answers delays neither calls nor the end", async () => {
  await using sink = await otlpSink(() => undefined);
  await using server = await startServer(basket, { ...told(sink), ...narrow, OTEL_EXPORTER_OTLP_TIMEOUT: "60000" });
  const began = Date.now();
  const { calls, failed } = await makeCalls(server.url, 40);
  expect({ calls, failed }).toEqual({ calls: 40, failed: 0 });
  expect(await server.stop()).toBe(0);
  // Far below the patience of either with the collector.
  expect(Date.now() - began).toBeLessThan(20_000);
  expect(server.log).toContainEqual(expect.objectContaining({ msg: "last spans not taken" }));
});

test("how many spans were dropped is told when the collector is back", async () => {
  let isAway = true;
  await using sink = await otlpSink((_, response) => response.writeHead(isAway ? 400 : 200).end("{}"));
  await using server = await startServer(basket, { ...told(sink), ...narrow });
  await makeCalls(server.url, 20);
  await waitFor("spans are refused", () => server.log.some(({ msg }) => msg === "telemetry can't be sent"));
  isAway = false;
  expect(await server.stop()).toBe(0);
  const dropped = sink
    .points()
    .filter(({ metric, attributes }) => metric === "otel.sdk.processor.span.processed" && attributes["error.type"]);
  expect(dropped.reduce((sum, { value = 0 }) => sum + value, 0)).toBeGreaterThan(0);
});

test("a token that the collector repeats isn't in the log", async () => {
  const canary = "canary-7d2c";
  await using sink = await otlpSink(({ headers }, response) => {
    response.writeHead(401).end(`bad token ${headers.authorization}`);
  });
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${canary}` };
  await using server = await startServer(basket, { ...told(sink), ...narrow, ...headers });
  await makeCalls(server.url, 10);
  await waitFor("the log says why", () => server.log.some(({ msg }) => msg === "telemetry can't be sent"));
  expect(server.log.find(({ msg }) => msg === "telemetry can't be sent")).toMatchObject({ reason: "401" });
  expect(await server.stop()).toBe(0);
  expect(JSON.stringify(server.log) + server.stderr()).not.toContain(canary);
});

test("a variable that is wrong is said, and stops nothing", async () => {
  const wrong = { OTEL_EXPORTER_OTLP_ENDPOINT: "not a url", OTEL_TRACES_SAMPLER: "nonsense" };
  await using server = await startServer(basket, wrong);
  expect((await makeCalls(server.url, 2)).failed).toBe(0);
  const said = server.log.map((line) => line.said).join("\n");
  expect(said).toContain("'not a url'");
  expect(said).toContain('OTEL_TRACES_SAMPLER value "nonsense"');
});
