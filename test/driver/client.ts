// The official MCP client over undici, with a say in its connections. Nothing here, nor in the client, retries.
import type { LookupFunction } from "node:net";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Agent, fetch as undiciFetch } from "undici";

/** fresh: a new TCP connection for each request. kept: one connection, used again for as long as the server allows. */
export type Connection = "fresh" | "kept";

export interface Caller extends AsyncDisposable {
  readonly client: Client;
}

const limits = { headersTimeout: 60_000, bodyTimeout: 60_000, connect: { timeout: 10_000 } };

/** Connections of one kind. For `via`, see `connect`. */
export function createAgent(connection: Connection, via?: string): Agent {
  const options = via === undefined ? limits : { ...limits, connect: { ...limits.connect, lookup: always(via) } };
  // pipelining 0 is undici's way to turn keep-alive off: it sends `Connection: close` with each request.
  return connection === "fresh" ? new Agent({ ...options, pipelining: 0 }) : new Agent({ ...options, connections: 1 });
}

/** Finds every hostname at the same address. */
function always(address: string): LookupFunction {
  return (_, { all }, callback) => {
    if (all) callback(null, [{ address, family: 4 }]);
    else callback(null, address, 4);
  };
}

export const fetchBy = (dispatcher: Agent) =>
  ((target: string, init: object) => undiciFetch(target, { ...init, dispatcher })) as Fetch;

export type Fetch = typeof globalThis.fetch;

/**
 * Connects to the MCP endpoint `url`, which must speak 2026-07-28; at the IPv4 address `via`, when given, whatever the address
 * of the URL's host. Rejects when server/discover fails.
 * @param wrap what is done around each request
 */
export async function connect(
  url: string,
  connection: Connection,
  via?: string,
  wrap = (fetch: Fetch) => fetch,
): Promise<Caller> {
  const dispatcher = createAgent(connection, via);
  const fetch = wrap(fetchBy(dispatcher));
  const client = new Client(
    { name: "anypod-driver", version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } }, capabilities: { elicitation: { form: {} } } },
  );
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }));
  } catch (error) {
    await dispatcher.destroy();
    throw error;
  }
  const close = async () => {
    await client.close();
    await dispatcher.destroy();
  };
  return { client, [Symbol.asyncDispose]: close };
}

/** An error with the causes that undici and the client wrap, in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, data } = error as { code?: unknown; data?: unknown };
  const details = [code, data].filter((detail) => detail !== undefined).map((detail) => JSON.stringify(detail));
  const cause = error.cause === undefined ? "" : ` <- ${describeError(error.cause)}`;
  return `${[error.name, error.message, ...details].join(" ")}${cause}`.slice(0, 500);
}
