// The driver's HTTP face inside a cluster: plain GET and POST with query strings, so that the API server's pod proxy can
// reach it; each answer is JSON, errors too.
import { createServer, type Server } from "node:http";
import { makeCalls } from "./calls.ts";
import { describeError } from "./client.ts";
import { runConformance } from "./conformance.ts";
import { type Load, startLoad } from "./load.ts";
import { askAcrossPods } from "./question.ts";
import { parseUpstreams } from "./round-robin.ts";

type Route = (query: URLSearchParams) => Promise<unknown>;

/** A control server; it has one load at most. */
export function createControl(): Server {
  let load: Promise<Load> | undefined;
  const running = async () => {
    if (load === undefined) throw new Error("no load was started");
    return await load;
  };
  const forget = () => {
    load = undefined;
  };
  const routes: Readonly<Record<string, Route>> = {
    "GET /healthz": async () => ({ ok: true }),
    "GET /calls": async (query) => makeCalls(required(query, "url"), Number(query.get("n") ?? 100)),
    "GET /question": async (query) => askAcrossPods(required(query, "url")),
    "GET /conformance": async (query) =>
      runConformance(
        parseUpstreams(required(query, "upstreams")),
        query.get("path") ?? "/mcp",
        query.get("scenario") ?? undefined,
      ),
    "POST /load/start": async (query) => {
      if (load !== undefined) throw new Error("there is a load already");
      load = startLoad(required(query, "url"), Number(query.get("workers") ?? 8));
      load.catch(forget);
      return (await load).tally;
    },
    "GET /load": async () => (await running()).tally,
    "POST /load/stop": async () => (await running()).stop().finally(forget),
  };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://driver");
    const route = routes[`${request.method} ${pathname}`];
    const { status, body } = await answer(route, searchParams);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  // A conformance run sends nothing for some ten seconds, the end of a load for three.
  server.requestTimeout = 0;
  return server;
}

async function answer(route: Route | undefined, query: URLSearchParams): Promise<{ status: number; body: unknown }> {
  if (route === undefined) return { status: 404, body: { message: "no such route" } };
  try {
    return { status: 200, body: await route(query) };
  } catch (error) {
    return { status: 500, body: { message: describeError(error) } };
  }
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (!value) throw new Error(`the query needs ${name}`);
  return value;
}
