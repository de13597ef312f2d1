// What a spec means for a call, said without tables, rules and matches: the oracle for everything that is rendered.
import type { Spec } from "../../../operator/api/mcpserver.ts";
import type { RateLimit } from "../../../operator/api/routing.ts";

/** A request, as far as it matters. Names of headers are lower-case. */
export interface CallRequest {
  path: string;
  headers: Record<string, string>;
}

/** Percent of such calls by pool. */
export type Shares = Record<string, number>;

const newVersion = "2026-07-28";
const fieldOf: Record<string, "tools" | "prompts" | "resourceUris"> = {
  "tools/call": "tools",
  "prompts/get": "prompts",
  "resources/read": "resourceUris",
};

/** The name that a header stands for (MCP 2026-07-28, Streamable HTTP, value encoding); undefined for what no client sends. */
export function nameOf(header: string | undefined): string | undefined {
  if (header === undefined || !/^[\t\x20-\x7e]*$/.test(header)) return;
  if (!header.startsWith("=?base64?") || !header.endsWith("?=")) return header;
  const encoded = header.slice("=?base64?".length, -"?=".length);
  const name = Buffer.from(encoded, "base64").toString("utf8");
  return Buffer.from(name, "utf8").toString("base64") === encoded ? name : undefined;
}

/** Where the protected resource's metadata is (RFC 9728): the path comes after the well-known one. */
const wellKnown = (path: string) => `/.well-known/oauth-protected-resource${path === "/" ? "" : path}`;

function isLegacy(spec: Spec, takesCalls: ReadonlySet<string>, { headers }: CallRequest): boolean {
  return spec.legacy !== undefined && takesCalls.has("legacy") && headers["mcp-protocol-version"] !== newVersion;
}

function takerOf(spec: Spec, takesCalls: ReadonlySet<string>, { headers }: CallRequest): string | undefined {
  const method = headers["mcp-method"] ?? "";
  const name = nameOf(headers["mcp-name"]);
  const field = fieldOf[method];
  const pools = (spec.pools ?? []).filter((pool) => takesCalls.has(pool.name));
  const byName = field && name !== undefined && pools.find((pool) => pool[field]?.includes(name));
  return (byName || pools.find(({ methods }) => methods?.includes(method)))?.name;
}

/** Who takes a request; undefined when the server has no such path. */
export function meaning(spec: Spec, takesCalls: ReadonlySet<string>, request: CallRequest): Shares | undefined {
  if (request.path === wellKnown(spec.path)) return { main: 100 };
  if (request.path !== spec.path) return;
  if (isLegacy(spec, takesCalls, request)) return { legacy: 100 };
  const taker = takerOf(spec, takesCalls, request);
  if (taker !== undefined) return { [taker]: 100 };
  if (!spec.canary || !takesCalls.has("canary")) return { main: 100 };
  const { header, weight } = spec.canary;
  if (header && request.headers[header.name.toLowerCase()] === header.value) return { canary: 100 };
  const shares = { main: 100 - weight, canary: weight };
  return Object.fromEntries(Object.entries(shares).filter(([, share]) => share > 0));
}

/** The limits that count a request to the server's path. */
export function limitsOn(spec: Spec, { headers }: CallRequest): RateLimit[] {
  const method = headers["mcp-method"];
  const name = nameOf(headers["mcp-name"]);
  return (spec.routing?.rateLimits ?? []).filter((limit) => {
    if (limit.tool !== undefined) return method === "tools/call" && name === limit.tool;
    return limit.method === undefined || method === limit.method;
  });
}

/** Whether an answer may go on for ever. */
export const isStream = (spec: Spec, takesCalls: ReadonlySet<string>, request: CallRequest): boolean =>
  request.path === spec.path &&
  request.headers["mcp-method"] === "subscriptions/listen" &&
  !isLegacy(spec, takesCalls, request);
