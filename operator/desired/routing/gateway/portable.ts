// Gateway API alone: for any gateway, and while nothing is known of it.
import { durationSeconds } from "../../../api/duration.ts";
import type { McpServer } from "../../../api/mcpserver.ts";
import type { Routing } from "../../../api/routing.ts";
import { allowedHeaders, allowedMethods, allowedOrigins, exposedHeaders } from "../cors.ts";
import type { Limitation } from "../routes.ts";
import type { Dialect } from "./dialect.ts";
import type { RouteFilter } from "./http-route.ts";

type Cors = NonNullable<Routing["cors"]>;

/** CORSOrigin in Gateway API 1.5: web pages only. */
const webOrigin = /^([*]|https?:\/\/(([*][.])?([a-zA-Z0-9-]+[.])*[a-zA-Z0-9-]+|[*])(:[0-9]{1,5})?)$/;

const webOrigins = (cors: Cors) => allowedOrigins(cors).filter((origin) => webOrigin.test(origin));

/**
 * HTTPCORSFilter: in the standard channel since Gateway API 1.5, and support is extended. It answers preflights, which
 * have no header of MCP and so come in by the rule for everything else; all other rules need it for their answers.
 */
export function corsFilters({ spec }: McpServer): RouteFilter[] {
  const cors = spec.routing?.cors;
  const allowOrigins = cors ? webOrigins(cors) : [];
  if (!cors || allowOrigins.length === 0) return [];
  return [
    {
      type: "CORS",
      cors: {
        allowOrigins,
        allowMethods: allowedMethods,
        allowHeaders: allowedHeaders(cors),
        exposeHeaders: exposedHeaders,
        // Absent is false, and Gateway API 1.3 knew no false.
        ...(cors.allowCredentials && { allowCredentials: true }),
        // Its least is 1, and without the field 5.
        maxAge: Math.max(1, cors.maxAge),
      },
    },
  ];
}

/** Origins that the filter has no words for. */
export function corsLimitations({ spec }: McpServer): Limitation[] {
  const cors = spec.routing?.cors;
  const others = cors ? allowedOrigins(cors).filter((origin) => !webOrigin.test(origin)) : [];
  if (others.length === 0) return [];
  return [
    {
      field: "routing.cors.allowOrigins",
      message: `Gateway API allows origins of http and https only, so ${others.join(", ")} may not call: take it out.`,
    },
  ];
}

/** The default of spec.routing.timeouts, for which nobody asked. */
const defaultSeconds = 3600;
export const isAskedFor = (timeout: string) => durationSeconds(timeout) !== defaultSeconds;

function limitations({ spec }: McpServer): Limitation[] {
  const { rateLimits = [], timeouts } = spec.routing ?? {};
  return [
    ...(rateLimits.length > 0
      ? [
          {
            field: "routing.rateLimits",
            message:
              "Gateway API has no rate limits, and anypod knows only those of Envoy Gateway and Traefik: use one of them, or set limits in the gateway's own way and take these out.",
          },
        ]
      : []),
    ...(timeouts && isAskedFor(timeouts.idle)
      ? [
          {
            field: "routing.timeouts.idle",
            message:
              "Gateway API has no time-out for silent streams, and anypod knows only that of Envoy Gateway: set it in the gateway's own way and take it out here.",
          },
        ]
      : []),
  ];
}

export const portable: Dialect = {
  regex: false,
  rulesOf: (_, rules) => rules,
  filtersOf: (server) => {
    const filters = corsFilters(server);
    return () => filters;
  },
  objectsOf: () => [],
  cannot: (server) => [...limitations(server), ...corsLimitations(server)],
};
