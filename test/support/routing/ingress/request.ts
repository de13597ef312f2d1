// A request as an ingress controller sees it, and what the evaluators of all dialects answer.
import type { CallRequest } from "../meaning.ts";
import type { Shares } from "../table.ts";

export interface WebRequest extends CallRequest {
  host: string;
}

export interface Taken {
  shares: Shares;
  /** Rate limits that count the request, by the name of their object or by what they say. */
  limits: string[];
}

/** Whether the host is this one, or the wildcard's; a wildcard stands for one label. Undefined is for all. */
export const isHost = (pattern: string | undefined, host: string): boolean =>
  pattern === undefined || pattern === host || (pattern.startsWith("*.") && host.replace(/^[^.]+/, "*") === pattern);
