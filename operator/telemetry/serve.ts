// HTTP for the cluster's own needs: /metrics for Prometheus, /healthz and /readyz for the kubelet.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Routes = Record<string, () => Promise<{ status: number; type: string; body: string }>>;

/** A plain answer of a probe. */
export const probe = (isWell: () => boolean) => async () => ({
  status: isWell() ? 200 : 503,
  type: "text/plain",
  body: isWell() ? "ok\n" : "not yet\n",
});

/** Splits `host:port` or `:port`. */
function parseAddress(address: string): { host?: string; port: number } {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  return { ...(host !== "" && { host: host.replace(/^\[|\]$/g, "") }), port: Number(port) };
}

/**
 * Serves the routes.
 * @param address `host:port`, or `:port` for all of the machine's addresses; port 0 takes a free one
 * @returns the server and the address that it listens on
 */
export async function serve(address: string, routes: Routes): Promise<{ server: Server; address: string }> {
  const server = createServer((request, response) => {
    const route = routes[(request.url ?? "/").split("?")[0] ?? "/"];
    const answer = route?.() ?? Promise.resolve({ status: 404, type: "text/plain", body: "not found\n" });
    answer.then(
      ({ status, type, body }) => response.writeHead(status, { "content-type": type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(parseAddress(address));
  await once(server, "listening");
  const { address: host, port } = server.address() as AddressInfo;
  return { server, address: `${host.includes(":") ? `[${host}]` : host}:${port}` };
}
