// HTTP for the servers of these tests: each answer says which pod gave it, and each pod tells whose clients went away.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { text } from "node:stream/consumers";

type Handler = (request: Request) => Promise<Response>;

const path = process.env.MCP_PATH || "/mcp";

/** Above the 90 s after which Traefik gives up an idle connection: a call that meets one that closes is lost. */
const keepAliveTimeout = 95_000;

/** Calls that were left by their clients: their `X-Call` header, and when that was. */
const left: Record<string, number> = {};

/** Serves `handler` on MCP_PATH, and on all other paths the name of the pod, until the process is told to end. */
export function serve(handler: Handler): void {
  const server = createServer({ keepAliveTimeout }, (request, response) => {
    response.setHeader("X-Pod", hostname());
    const isCall = request.url?.split("?", 1)[0] === path;
    if (request.url === "/left") response.end(JSON.stringify(left));
    else if (isCall) void answer(handler, request, response).catch(() => response.destroy());
    else response.end(JSON.stringify({ pod: hostname() }));
  });
  server.listen(Number(process.env.PORT || 8080));
  process.once("SIGTERM", () => process.exit(0));
}

async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
    if (!response.writableFinished) left[String(request.headers["x-call"])] = Date.now();
  });
  const { status, headers, body } = await handler(await webRequest(request, gone.signal));
  response.writeHead(status, Object.fromEntries(headers)).flushHeaders();
  for await (const part of body ?? []) response.write(part);
  response.end();
}

async function webRequest(request: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const { method = "GET", rawHeaders } = request;
  const headers = rawHeaders.flatMap((name, i): [string, string][] =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1]!]] : [],
  );
  const body = method === "POST" ? await text(request) : null;
  return new Request(`http://${request.headers.host}${request.url}`, { method, headers, body, signal });
}
