// What every dialect is asked for.
import { durationSeconds } from "../../../api/duration.ts";
import type { McpServer } from "../../../api/mcpserver.ts";
import { canaryPool, mainPool } from "../../../api/pool.ts";
import type { RateLimit, Routing } from "../../../api/routing.ts";
import { hashOf } from "../../object.ts";
import type { Routes } from "../routes.ts";
import type { Rule } from "../table.ts";

export interface Ask {
  server: McpServer;
  /** The server's table: the first rule that fits a request counts. */
  rules: Rule[];
  routing: Routing;
  ingress: NonNullable<Routing["ingress"]>;
}

export type Dialect = (ask: Ask) => Routes;

/** The hosts to make routes for; `undefined` stands for all there are. */
export const hostsOf = ({ routing }: Ask): (string | undefined)[] => routing.hostnames ?? [undefined];

/** The certificate that is for a host; a wildcard's is for all names right below it. */
export function tlsOf({ routing, ingress }: Ask, host: string | undefined) {
  const wildcard = host?.replace(/^[^.]+/, "*");
  return ingress.tls?.find(({ hosts = routing.hostnames }) =>
    hosts === undefined || host === undefined ? true : hosts.some((each) => each === host || each === wildcard),
  );
}

/** The rate limits, each once. */
export const limitsOf = ({ routing }: Ask): RateLimit[] => [
  ...new Map((routing.rateLimits ?? []).map((limit) => [hashOf(limit), limit])).values(),
];

/** Time limits in seconds; 0 is none. */
export const timeoutsOf = ({ routing: { timeouts } }: Ask) => ({
  request: durationSeconds(timeouts.request),
  idle: durationSeconds(timeouts.idle),
});

/**
 * The table for a controller that has one time limit for all calls: without the rules of the main pool that are there
 * only because `subscriptions/listen` has none, as the next rule that fits sends those calls to the same pods.
 */
export const withoutEndless = (rules: Rule[]): Rule[] =>
  rules.filter(({ endless, pool }) => !(endless && (pool === mainPool || pool === canaryPool)));
