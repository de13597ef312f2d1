// How a pod leaves without losing a call: knows every connection and call, and drains them. Nothing here knows of MCP.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { type Socket, Server as TcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** New connections are still answered for this long, for clients that haven't heard yet that this pod is leaving. */
const ACCEPT_MS = 5000;
/** A kept-alive connection that nobody used for this long while draining is closed. */
const QUIET_MS = 5000;
const LOOK_EVERY_MS = 25;

interface Connection {
  readonly calls: Set<ServerResponse>;
  readonly streams: Set<ServerResponse>;
  quietSince: number;
  bytesRead: number;
}

export interface Connections {
  readonly leaving: boolean;
  /** Resolves when all calls are answered and all connections gone, at the latest after `limitMs`; the number of calls left. */
  drain(limitMs: number): Promise<number>;
  /** Resolves when the endless streams have ended too, at the latest after `limitMs`. */
  streamsEnded(limitMs: number): Promise<void>;
}

/**
 * Watches `server`, which must not have request listeners yet. `isEndless` marks streams that end only when the server
 * ends them (subscriptions): a drain doesn't wait for those.
 *
 * HTTP/1.1 has one way to take a connection back without a race: `Connection: close` on an answer. Closing an idle
 * connection instead meets the client's next request half-way, which then fails, and MCP clients never retry. So a drain
 * closes nothing that is in use: it says `close` on each answer, and gives up only connections that were quiet for long.
 */
export function watchConnections(server: Server, isEndless: (request: IncomingMessage) => boolean): Connections {
  const open = new Map<Socket, Connection>();
  let leaving = false;

  server.on("connection", (socket: Socket) => {
    open.set(socket, { calls: new Set(), streams: new Set(), quietSince: Date.now(), bytesRead: 0 });
    socket.once("close", () => open.delete(socket));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const connection = open.get(request.socket);
    if (leaving) response.setHeader("Connection", "close");
    if (connection === undefined) return;
    const group = isEndless(request) ? connection.streams : connection.calls;
    group.add(response);
    response.once("close", () => {
      group.delete(response);
      connection.quietSince = Date.now();
      connection.bytesRead = request.socket.bytesRead;
    });
  });

  const groups = (name: "calls" | "streams") => [...open.values()].flatMap((connection) => [...connection[name]]);
  const isEmpty = () => [...open.values()].every(({ calls, streams }) => calls.size === 0 && streams.size > 0);
  const drainStep = (elapsedMs: number) => {
    // Not http's close(), which also closes idle connections.
    if (server.listening && elapsedMs > ACCEPT_MS) TcpServer.prototype.close.call(server);
    for (const [socket, connection] of open) if (isQuiet(socket, connection)) socket.end();
  };

  return {
    get leaving() {
      return leaving;
    },
    drain: async (limitMs) => {
      leaving = true;
      groups("calls")
        .filter(({ headersSent }) => !headersSent)
        .forEach(announceClose);
      await until(isEmpty, limitMs, drainStep);
      return groups("calls").length;
    },
    streamsEnded: (limitMs) => until(() => groups("streams").length === 0, limitMs),
  };
}

/** Looks again and again whether `isDone`, for `limitMs` at most; `step` is called before each wait. */
async function until(isDone: () => boolean, limitMs: number, step?: (elapsedMs: number) => void): Promise<void> {
  const start = Date.now();
  while (!isDone() && Date.now() - start < limitMs) {
    step?.(Date.now() - start);
    await sleep(LOOK_EVERY_MS);
  }
}

function announceClose(response: ServerResponse): void {
  response.setHeader("Connection", "close");
}

// Bytes since the last answer are a request of which the end hasn't come yet.
function isQuiet(socket: Socket, { calls, streams, quietSince, bytesRead }: Connection): boolean {
  const unused = calls.size === 0 && streams.size === 0 && socket.bytesRead === bytesRead;
  return unused && Date.now() - quietSince > QUIET_MS;
}
