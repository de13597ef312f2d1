// The driver's HTTP face inside a cluster: plain GET and POST with query strings, so that the API server's pod proxy can
// reach it; each answer is JSON, errors too, and so is a request to be sent.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { makeCalls } from "./calls.ts";
import { describeError } from "./client.ts";
import { runConformance } from "./conformance.ts";
import { type Load, startLoad } from "./load.ts";
import { askAcrossPods } from "./question.ts";
import { parseUpstreams } from "./round-robin.ts";
import { type Sendable, send, sendAll } from "./send.ts";
import { callTask, type TaskCall } from "./task.ts";
import { type Traceable, traced } from "./traced.ts";
import { type Walkable, walk } from "./walk.ts";

type Route = (query: URLSearchParams, body: () => Promise<unknown>) => Promise<unknown>;

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
    "GET /calls": async (query) => makeCalls(required(query, "url"), Number(query.get("n") ?? 100), via(query)),
    "GET /question": async (query) => askAcrossPods(required(query, "url"), undefined, via(query)),
    "POST /send": async (_, body) => send((await body()) as Sendable),
    "POST /send-all": async (_, body) => sendAll((await body()) as Sendable[]),
    "POST /walk": async (_, body) => walk((await body()) as Walkable),
    "POST /task": async (_, body) => callTask((await body()) as TaskCall),
    "POST /traced": async (_, body) => traced((await body()) as Traceable),
    "GET /conformance": async (query) =>
      runConformance(
        parseUpstreams(required(query, "upstreams")),
        query.get("path") ?? "/mcp",
        query.get("scenario") ?? undefined,
      ),
    "POST /load/start": async (query) => {
      if (load !== undefined) throw new Error("there is a load already");
      load = startLoad(required(query, "url"), Number(query.get("workers") ?? 8), via(query));
      load.catch(forget);
      return (await load).tally;
    },
    "GET /load": async () => (await running()).tally,
    "POST /load/stop": async () => (await running()).stop().finally(forget),
  };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://driver");
    const route = routes[`${request.method} ${pathname}`];
    const { status, body } = await answer(route && (() => route(searchParams, () => bodyOf(request))));
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  // A conformance run sends nothing for some ten seconds, the end of a load for three.
  server.requestTimeout = 0;
  return server;
}

async function answer(work: (() => Promise<unknown>) | undefined): Promise<{ status: number; body: unknown }> {
  if (work === undefined) return { status: 404, body: { message: "no such route" } };
  try {
    return { status: 200, body: await work() };
  } catch (error) {
    return { status: 500, body: { message: describeError(error) } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) text += part;
  return JSON.parse(text);
}

const via = (query: URLSearchParams) => query.get("via") ?? undefined;

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (!value) throw new Error(`the query needs ${name}`);
  return value;
}
