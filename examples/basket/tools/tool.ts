// What every tool of this server is given, and the shape in which it answers.
import type { CallToolResult, McpServer, RequestStateCodec } from "@modelcontextprotocol/server";
import type { Baskets } from "../baskets.ts";
import type { Tasks } from "../tasks.ts";

export interface Shop {
  /** Which pod this is and which version it runs: part of the answers, so that one sees who gave them. */
  readonly self: { readonly pod: string; readonly version: string };
  readonly baskets: Baskets;
  readonly tasks: Tasks;
  readonly ring: RequestStateCodec;
}

/** Adds one tool, or a few that belong together, to a server. */
export type OfferTools = (server: McpServer, shop: Shop) => void;

/** The same answer for programs (structured) and for models (text). */
export function reply(structuredContent: Record<string, unknown>): CallToolResult {
  return { structuredContent, content: [{ type: "text", text: JSON.stringify(structuredContent) }] };
}
