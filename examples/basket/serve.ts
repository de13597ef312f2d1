// From a factory of MCP servers to a listening, draining process: HTTP, readiness, logging of requests, signals.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostHeaderValidation, originValidation, toNodeHandler } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  type McpHttpHandler,
  type McpServerFactory,
  type ServerEventBus,
} from "@modelcontextprotocol/server";
import { type Connections, watchConnections } from "./connections.ts";
import { describeRequest, type Log, type RequestFacts } from "./log.ts";
import type { Settings } from "./settings.ts";
import type { Operation, Telemetry } from "./telemetry.ts";

// Above the idle time-outs of common load balancers (60 s; Traefik's is 90 s), so that they, not we, close idle connections.
const KEEP_ALIVE_MS = 95_000;

export interface Service {
  readonly settings: Settings;
  readonly log: Log;
  /** Makes the server for one request; there is nothing to keep between requests. */
  readonly createServer: McpServerFactory;
  /** Where change events for subscriptions/listen come from; in-process when left out. */
  readonly bus?: ServerEventBus;
  readonly begin: Telemetry["begin"];
  /** Called after the last answer, before the process exits. */
  readonly close: () => Promise<void>;
}

/** Listens until SIGTERM or SIGINT, then drains and ends the process. */
export function serve({ settings, log, createServer: factory, bus, begin, close }: Service): void {
  const onerror = (error: Error) => log.debug({ error: error.message }, "request refused");
  const handler = createMcpHandler(factory, { onerror, ...(bus && { bus }) });
  const http = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  const connections = watchConnections(http, isSubscription);
  const isAllowed = admission(settings);

  http.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split("?", 1)[0];
    if (path === "/readyz") return answer(response, connections.leaving ? 503 : 200);
    if (path !== settings.path) return answer(response, 404);
    if (isAllowed(request, response)) void answerMcp({ handler, log, begin }, request, response);
  });
  http.on("error", (error) => {
    log.fatal({ error: error.message }, "cannot listen");
    process.exit(1);
  });
  // With PORT=0 the system picks a free port, and this line tells which.
  http.listen(settings.port, () => log.info({ port: portOf(http.address()), path: settings.path }, "listening"));

  const leave = async () => {
    const callsLost = await leaveGently(connections, settings.drainMs, log);
    http.close();
    // A call that is cut off should look so to its client: closing the handler would end its stream in good order.
    if (callsLost > 0) process.exit(1);
    await handler.close();
    await connections.streamsEnded(1000);
    await close();
    process.exit(0);
  };
  onSignals(leave, log);
}

/** The first signal starts to drain; the second one ends the process at once. */
function onSignals(leave: () => Promise<void>, log: Log): void {
  let signals = 0;
  const onSignal = () => {
    signals += 1;
    if (signals === 1) void leave();
    else {
      log.warn("second signal: leaving at once");
      process.exit(1);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function leaveGently(connections: Connections, drainMs: number, log: Log): Promise<number> {
  log.info("draining");
  const start = Date.now();
  const callsLost = await connections.drain(drainMs);
  const ms = Date.now() - start;
  if (callsLost === 0) log.info({ ms }, "drained");
  else log.warn({ ms, callsLost }, "drain cut short: DRAIN_SECONDS is below the slowest call");
  return callsLost;
}

async function answerMcp(
  { handler, log, begin }: { handler: McpHttpHandler; log: Log; begin: Telemetry["begin"] },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const start = performance.now();
  const facts: RequestFacts = {};
  let operation: Operation | undefined;
  response.once("close", () => {
    const ms = Math.round(performance.now() - start);
    const aborted = !response.writableFinished;
    const status = response.statusCode;
    log.info({ ...facts, status, ms, ...(aborted && { aborted }) }, "request");
    operation?.end({ status, aborted });
  });
  // The body is read once: here, for the log, and handed on parsed. What is no JSON is the handler's to refuse.
  const fetch: McpHttpHandler["fetch"] = async (webRequest, options) => {
    const parsedBody = await webRequest
      .clone()
      .json()
      .catch(() => undefined);
    Object.assign(facts, describeRequest(parsedBody, webRequest.headers.get("traceparent")));
    operation = begin({ message: parsedBody, headers: webRequest.headers });
    const handle = () => handler.fetch(webRequest, parsedBody === undefined ? options : { ...options, parsedBody });
    const answer = await (operation ? operation.answer(handle) : handle());
    // Streams come with `Connection: keep-alive`, which would take back the `close` of a server that is leaving.
    answer.headers.delete("connection");
    return answer;
  };
  const onerror = (error: Error) => log.error({ error: error.message }, "request failed");
  await toNodeHandler({ fetch }, { onerror })(request as IncomingMessage & { method: string; url: string }, response);
}

/**
 * Refuses DNS rebinding. A rebound page's POST always carries an Origin, so that check suffices where the Host names
 * aren't known; MCP_ALLOWED_HOSTS adds the other.
 */
function admission({ allowedOrigins, allowedHosts }: Settings) {
  const isOrigin = originValidation([...allowedOrigins]);
  const isHost = hostHeaderValidation([...allowedHosts]);
  return (request: IncomingMessage, response: ServerResponse) =>
    isOrigin(request, response) && (allowedHosts.length === 0 || isHost(request, response));
}

function portOf(address: ReturnType<Server["address"]>): number | undefined {
  return address !== null && typeof address === "object" ? address.port : undefined;
}

function isSubscription(request: IncomingMessage): boolean {
  return request.headers["mcp-method"] === "subscriptions/listen";
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Length": 0 }).end();
}
