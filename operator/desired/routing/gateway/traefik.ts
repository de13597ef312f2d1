// Traefik: Middlewares that rules refer to.
// https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/kubernetes/gateway-api/ (ExtensionRef)
//
// Traefik knows no CORS filter and no time-outs of an HTTPRoute. It neither retries nor buffers unless a Middleware says
// so, and streams at once what is text/event-stream. Nothing here is filled in by the API server.
import { durationSeconds } from "../../../api/duration.ts";
import type { McpServer } from "../../../api/mcpserver.ts";
import type { RateLimit, Routing } from "../../../api/routing.ts";
import { roleName } from "../../names.ts";
import { child, hashOf, type KubeObject } from "../../object.ts";
import { allowedHeaders, allowedMethods, allowedOrigins, exposedHeaders } from "../cors.ts";
import { withLimits } from "../ingress/parts.ts";
import type { Limitation } from "../routes.ts";
import type { Rule } from "../table.ts";
import { countedApart } from "./counted-apart.ts";
import type { Dialect } from "./dialect.ts";
import type { RouteFilter } from "./http-route.ts";
import type { LimitedRule, Unit } from "./match.ts";
import { isAskedFor } from "./portable.ts";

export const traefikController = "traefik.io/gateway-controller";

const group = "traefik.io";
const kind = "Middleware";
/** HTTPRouteRule.filters: at most 16, one of them for CORS. */
const mostLimits = 15;
/** RateLimit.period. */
const periods = { Second: "1s", Minute: "1m", Hour: "1h" };

const middleware = (server: McpServer, role: string, spec: object): KubeObject => ({
  ...child(server, { apiVersion: `${group}/v1alpha1`, kind }, roleName(server.metadata.name, role)),
  spec,
});

const filter = ({ metadata }: McpServer, role: string): RouteFilter => ({
  type: "ExtensionRef",
  extensionRef: { group, kind, name: roleName(metadata.name, role) },
});

const originPattern = (origin: string) =>
  origin === "*" ? "^.+$" : `^${origin.replaceAll(/[.+]/g, "\\$&").replace("*", "[^/]+")}$`;

/** Headers: https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/middlewares/headers/#cors-headers */
function corsMiddleware(cors: NonNullable<Routing["cors"]>): object {
  const origins = allowedOrigins(cors);
  // `*` in the answer doesn't go with credentials: an expression repeats the page's own origin.
  const isPattern = (origin: string) => origin.includes("*") && (origin !== "*" || cors.allowCredentials);
  const exact = origins.filter((origin) => !isPattern(origin));
  const patterns = origins.filter(isPattern).map(originPattern);
  return {
    headers: {
      ...(exact.length > 0 && { accessControlAllowOriginList: exact }),
      ...(patterns.length > 0 && { accessControlAllowOriginListRegex: patterns }),
      accessControlAllowMethods: allowedMethods,
      accessControlAllowHeaders: allowedHeaders(cors),
      accessControlExposeHeaders: exposedHeaders,
      ...(cors.allowCredentials && { accessControlAllowCredentials: true }),
      accessControlMaxAge: cors.maxAge,
      addVaryHeader: true,
    },
  };
}

/** IPStrategy.depth: more addresses than any X-Forwarded-For has, so that all clients have the same, empty one. */
const beyondAllClients = 1_000_000;

/** SourceCriterion; the client's address when not given. */
function sourceCriterion({ perClient }: RateLimit): object {
  if (perClient?.header !== undefined) return { requestHeaderName: perClient.header };
  return { ipStrategy: { depth: perClient ? 0 : beyondAllClients } };
}

/** RateLimit: https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/middlewares/ratelimit/ */
const rateLimitMiddleware = (limit: RateLimit): object => ({
  rateLimit: {
    average: limit.requests,
    period: periods[limit.unit],
    burst: limit.requests,
    sourceCriterion: sourceCriterion(limit),
  },
});

const corsRole = "cors";
/** Named by what it says, so that a limit that comes or goes leaves the others' objects alone. */
const limitRole = (limit: RateLimit) => `rate-limit-${hashOf(limit)}`;

/** The limits, each once. */
const limitsOf = ({ spec }: McpServer) => [
  ...new Map((spec.routing?.rateLimits ?? []).map((limit) => [limitRole(limit), limit])).values(),
];

/** Rules of their own for limited tools and methods, as a filter counts all calls of its rule. */
function rulesOf(server: McpServer, rules: Rule[]): LimitedRule[] {
  return withLimits(rules, limitsOf(server), server.spec.path);
}

function filtersOf(server: McpServer): (rule: LimitedRule) => RouteFilter[] {
  const cors = server.spec.routing?.cors ? [filter(server, corsRole)] : [];
  return ({ limits = [] }) => [
    ...cors,
    ...limits.slice(0, mostLimits).map((limit) => filter(server, limitRole(limit))),
  ];
}

function timeoutLimitations({ spec }: McpServer): Limitation[] {
  const { timeouts } = spec.routing ?? {};
  const asked = (["request", "idle"] as const).filter(
    (field) => timeouts && isAskedFor(timeouts[field]) && durationSeconds(timeouts[field]) !== 0,
  );
  return asked.map((field) => ({
    field: `routing.timeouts.${field}`,
    message:
      "Traefik has no time-outs for a route, so calls and streams may take as long as its entry point allows: set respondingTimeouts there, and take it out here.",
  }));
}

function tooMany(units: Unit[]): Limitation[] {
  if (units.every(({ rule: { limits = [] } }) => limits.length <= mostLimits)) return [];
  return [
    {
      field: "routing.rateLimits",
      message: `A call can be counted by ${mostLimits} limits at most, and the last of rateLimits don't hold: take some out.`,
    },
  ];
}

export const traefik: Dialect = {
  regex: true,
  rulesOf,
  filtersOf,
  objectsOf: (server) => {
    const { cors } = server.spec.routing ?? {};
    return [
      ...(cors ? [middleware(server, corsRole, corsMiddleware(cors))] : []),
      ...limitsOf(server).map((limit) => middleware(server, limitRole(limit), rateLimitMiddleware(limit))),
    ];
  },
  cannot: (server, units) => [
    ...timeoutLimitations(server),
    ...tooMany(units),
    ...countedApart(server, units, { gateway: "Traefik", byHost: false }),
  ],
};
