// A reverse proxy on 127.0.0.1 that spreads requests, not connections: each goes to the next upstream on a connection of its
// own. With one upstream that is a Service, kube-proxy does the spreading.
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export interface Proxy extends AsyncDisposable {
  readonly port: number;
}

/** Reads "host:port,host:port". */
export function parseUpstreams(text: string): Upstream[] {
  return text.split(",").map((part) => {
    const { hostname, port } = new URL(`http://${part.trim()}`);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
  });
}

/** Listens on a free port. `next` picks the upstream of a request; bodies stream through, headers stay as they were sent. */
export async function startProxy(next: () => Upstream): Promise<Proxy> {
  const server = createServer((request, response) => forward(next(), request, response));
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

/** Strict rotation over `upstreams`. */
export function rotate(upstreams: readonly Upstream[]): () => Upstream {
  let turn = 0;
  return () => {
    const upstream = upstreams[turn++ % upstreams.length];
    if (upstream === undefined) throw new Error("there is no upstream");
    return upstream;
  };
}

function forward({ host, port }: Upstream, request: IncomingMessage, response: ServerResponse): void {
  const upstream = httpRequest({
    host,
    port,
    method: request.method,
    path: request.url,
    headers: withoutHop(request.rawHeaders),
    setHost: false,
    agent: false,
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, withoutHop(answer.rawHeaders));
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  upstream.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on("close", () => upstream.destroy());
  request.pipe(upstream);
}

// Headers of one connection (RFC 9110 section 7.6.1): both sides of a proxy have their own.
function withoutHop(rawHeaders: readonly string[]): string[] {
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ""]] : []));
  return pairs.filter(([name]) => !/^(connection|keep-alive|transfer-encoding)$/i.test(name ?? "")).flat();
}
