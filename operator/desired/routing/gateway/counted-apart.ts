// Gateways count calls at each match of a route for itself: says so where a limit is about more than one.
import type { McpServer } from "../../../api/mcpserver.ts";
import type { Limitation } from "../routes.ts";
import { matchesCounted } from "./limits.ts";
import type { Unit } from "./match.ts";

interface Counter {
  gateway: string;
  /** Whether it counts at each hostname, too. */
  byHost: boolean;
}

/** The limits of which each of several matches or hostnames lets through as many calls as all of them together should. */
export function countedApart({ spec }: McpServer, units: Unit[], { gateway, byHost }: Counter): Limitation[] {
  const { rateLimits = [], hostnames = [] } = spec.routing ?? {};
  const hosts = byHost ? Math.max(1, hostnames.length) : 1;
  return rateLimits.flatMap((limit, index) => {
    const counts = matchesCounted(limit, units, spec.path) * hosts;
    if (counts <= 1) return [];
    return [
      {
        field: `routing.rateLimits[${index}]`,
        message: `${gateway} counts at each match of a route${byHost ? " and each hostname" : ""} for itself, and these calls come in by ${counts} of them, so that ${counts} times as many may pass: limit single tools, or methods that one pool takes${byHost ? ", and use one hostname" : ""}.`,
      },
    ];
  });
}
