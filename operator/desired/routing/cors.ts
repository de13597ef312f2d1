// What web pages may send to a server of MCP, and read of its answers (Fetch standard, HTTP-network-or-cache: CORS).
import type { Routing } from "../../api/routing.ts";

type Cors = NonNullable<Routing["cors"]>;

/** Request headers of MCP 2026-07-28, of 2025-11-25, of OAuth and of W3C Trace Context and Baggage. */
const requestHeaders = [
  "Content-Type",
  "Accept",
  "Authorization",
  "MCP-Protocol-Version",
  "Mcp-Method",
  "Mcp-Name",
  "Mcp-Session-Id",
  "Last-Event-ID",
  "traceparent",
  "tracestate",
  "baggage",
];

/** Response headers that a page needs: the session of a legacy server, and where to get a token. */
export const exposedHeaders = ["Mcp-Session-Id", "WWW-Authenticate"];

/** HTTP methods of MCP's endpoint: GET and DELETE are those of 2025-11-25, and GET reads the metadata. */
export const allowedMethods = ["GET", "POST", "DELETE", "OPTIONS"];

/** All request headers that pages may send, each once; `*` stands alone. */
export function allowedHeaders({ allowHeaders = [] }: Cors): string[] {
  if (allowHeaders.includes("*")) return ["*"];
  const all = [...requestHeaders, ...allowHeaders];
  const isFirst = (name: string, index: number) =>
    all.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === index;
  return all.filter(isFirst);
}

/** The origins, each once; `*` stands alone, as it stands for all. */
export const allowedOrigins = ({ allowOrigins }: Cors): string[] =>
  allowOrigins.includes("*") ? ["*"] : [...new Set(allowOrigins)];
