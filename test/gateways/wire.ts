// MCP requests as they are on the wire, for tests that send headers which no client sends.
import type { Answer, Sendable } from "../driver/send.ts";

const version = "2026-07-28";

/** What of a request a test may want otherwise; a header of `undefined` is left out. */
export interface Otherwise {
  headers?: Record<string, string | string[] | undefined>;
  params?: { _meta?: object } & Record<string, unknown>;
}

/** A request of an MCP method to `url`, with all that the specification asks for. */
export function message(url: string, method: string, { headers = {}, params = {} }: Otherwise = {}): Sendable {
  const all: Otherwise["headers"] = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "MCP-Protocol-Version": version,
    "Mcp-Method": method,
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  const meta = {
    "io.modelcontextprotocol/protocolVersion": version,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method,
    params: { ...params, _meta: { ...meta, ...params._meta } },
  });
  return { url, method: "POST", headers: Object.fromEntries(given), body };
}

/** A call of a tool. */
export function toolCall(url: string, name: string, args: object, headers: Otherwise["headers"] = {}): Sendable {
  return message(url, "tools/call", { headers: { "Mcp-Name": name, ...headers }, params: { name, arguments: args } });
}

/** A name in the form for those that a header can't hold; a client may send any name so. */
export const base64Name = (name: string) => `=?base64?${Buffer.from(name).toString("base64")}?=`;

/** Which pod of the sample server answered a tool call. Throws, telling the answer, when none did. */
export function answeredBy(answer: Answer): string {
  const pod = parsed(answer)?.result?.structuredContent?.pod;
  if (typeof pod === "string") return pod;
  throw new Error(`no pod's answer: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.body.slice(0, 500)}`);
}

function parsed({ body }: Answer): { result?: { structuredContent?: { pod?: unknown } } } | undefined {
  // A stream's last event is the answer.
  const json = body.startsWith("{") ? body : body.match(/^data: (.*)$(?![\s\S]*^data:)/m)?.[1];
  return json === undefined ? undefined : JSON.parse(json);
}
