// One HTTP request exactly as told, for what no MCP client sends, and all that came back.
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import * as z from "zod";

export const sendable = z.object({
  url: z.string(),
  /** The address that is connected to, instead of the one that the URL's host has. */
  via: z.string().optional(),
  method: z.string().default("POST"),
  /** `Host` and `Content-Length` are added unless they are among these. A list sends a header that often. */
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  body: z.string().default(""),
  /** Milliseconds until it breaks off. */
  timeout: z.number().default(30_000),
  /** Goes away as soon as the first part of the answer is there. */
  leave: z.boolean().default(false),
});

export type Sendable = z.input<typeof sendable>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** False when the body broke off, by whomever: the gateway, the server, or the time-out. */
  readonly complete: boolean;
  /** When each part of the body came, in milliseconds after the request: a stream that is buffered comes in one. */
  readonly parts: readonly number[];
  /** When the request was sent, by this machine's clock. */
  readonly began: number;
  /** When its end came, or it was left. */
  readonly ended: number;
}

/** Sends a request, on a connection of its own. Rejects when no answer begins. */
export async function send(what: Sendable): Promise<Answer> {
  const began = Date.now();
  const options = sendable.parse(what);
  const response = await begin(options);
  const parts: number[] = [];
  let body = "";
  const read = async () => {
    for await (const part of response.setEncoding("utf8")) {
      parts.push(Date.now() - began);
      body += part;
      // The end of the loop destroys the connection.
      if (options.leave) break;
    }
  };
  const complete = await read().then(
    () => true,
    () => false,
  );
  const ended = Date.now();
  return { status: response.statusCode ?? 0, headers: response.headers, body, complete, parts, began, ended };
}

/** Sends all requests at once. */
export const sendAll = (requests: Sendable[]): Promise<Answer[]> => Promise.all(requests.map(send));

function begin({ url, via, method, headers, body, timeout }: z.output<typeof sendable>): Promise<IncomingMessage> {
  const { hostname, host, port, pathname, search } = new URL(url);
  const hasHost = Object.keys(headers).some((name) => name.toLowerCase() === "host");
  const options = {
    host: via ?? hostname,
    port: port || 80,
    path: pathname + search,
    method,
    headers: hasHost ? headers : { Host: host, ...headers },
    agent: false,
    signal: AbortSignal.timeout(timeout),
  };
  return new Promise((resolve, reject) => {
    request(options).on("response", resolve).on("error", reject).end(body);
  });
}
