// IngressRoute and what it needs, of traefik.io/v1alpha1, for Traefik 3.
// https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/kubernetes/crd/http/ingressroute/
import type { RateLimit } from "../../../api/routing.ts";
import { ownName, roleName } from "../../names.ts";
import { child, hashOf, type KubeObject } from "../../object.ts";
import { allowedHeaders, allowedMethods, exposedHeaders } from "../cors.ts";
import type { Routes } from "../routes.ts";
import type { HeaderMatch } from "../table.ts";
import { type Ask, hostsOf, limitsOf, timeoutsOf, tlsOf, withoutEndless } from "./ask.ts";
import { sentValues } from "./headers.ts";
import { cannotAddUp, cannotCertify, cannotTime } from "./limitations.ts";
import { originsOf } from "./origins.ts";
import { type Part, withLimits } from "./parts.ts";

const object = ({ server }: Ask, kind: string, name: string, spec: object): KubeObject => ({
  ...child(server, { apiVersion: "traefik.io/v1alpha1", kind }, name),
  spec,
});
const named = ({ server }: Ask, role: string) => roleName(server.metadata.name, role);

// --- What routes refer to -------------------------------------------------------------------------------------------

/**
 * The wait for the first byte of an answer: the one limit that Traefik has a server, and also the whole of a silent call.
 * Node.js and uvicorn close idle connections after 5 s, Traefik after 90 s: a call sent at that moment would be lost.
 * https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/load-balancing/serverstransport/
 */
function transport(ask: Ask): KubeObject {
  const limits = Object.values(timeoutsOf(ask)).filter((seconds) => seconds > 0);
  const forwardingTimeouts = {
    ...(limits.length > 0 && { responseHeaderTimeout: `${Math.min(...limits)}s` }),
    idleConnTimeout: "4s",
  };
  // As many idle connections as Traefik keeps by itself: with a transport of one's own it would be 2.
  return object(ask, "ServersTransport", named(ask, "timeouts"), { maxIdleConnsPerHost: 200, forwardingTimeouts });
}

/** https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/middlewares/headers/ */
function corsMiddleware(ask: Ask): KubeObject[] {
  const { cors } = ask.routing;
  if (!cors) return [];
  const { all, exact, regexes } = originsOf(cors);
  // "*" would be sent as it stands, and browsers refuse that beside credentials.
  const wild = all && cors.allowCredentials ? [".*"] : regexes;
  const list = all && !cors.allowCredentials ? ["*"] : exact;
  const headers = {
    accessControlAllowMethods: allowedMethods,
    accessControlAllowHeaders: allowedHeaders(cors),
    accessControlExposeHeaders: exposedHeaders,
    ...(list.length > 0 && { accessControlAllowOriginList: list }),
    ...(wild.length > 0 && { accessControlAllowOriginListRegex: wild }),
    accessControlAllowCredentials: cors.allowCredentials,
    accessControlMaxAge: cors.maxAge,
    addVaryHeader: true,
  };
  return [object(ask, "Middleware", named(ask, "cors"), { headers })];
}

const periods = { Second: "1s", Minute: "1m", Hour: "1h" };

/** More addresses than any X-Forwarded-For can hold: then the client's address is empty, so that all share one budget. */
const beyondAnyClient = 1_000_000;

function sourceCriterion({ perClient }: RateLimit): object {
  if (perClient?.header !== undefined) return { requestHeaderName: perClient.header };
  return { ipStrategy: perClient ? {} : { depth: beyondAnyClient } };
}

/** By what it says, so that a limit that comes or goes leaves the others alone. */
const limitName = (ask: Ask, limit: RateLimit) => named(ask, `rate-limit-${hashOf(limit)}`);

/** https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/middlewares/ratelimit/ */
function limitMiddlewares(ask: Ask): KubeObject[] {
  return limitsOf(ask).map((limit) => {
    const { requests, unit } = limit;
    const rateLimit = {
      average: requests,
      period: periods[unit],
      burst: requests,
      sourceCriterion: sourceCriterion(limit),
    };
    return object(ask, "Middleware", limitName(ask, limit), { rateLimit });
  });
}

// --- Routes ---------------------------------------------------------------------------------------------------------

/** A string of Go: raw, unless it has what a raw one can't hold. */
const literal = (value: string) => (/^[\x20-\x5f\x61-\x7e]*$/.test(value) ? `\`${value}\`` : JSON.stringify(value));

const oneOf = (matchers: string[]) => (matchers.length === 1 ? matchers.join() : `(${matchers.join(" || ")})`);

/** A wildcard stands for one label, as in an Ingress. */
function hostMatcher(host: string): string {
  if (!host.startsWith("*.")) return `Host(\`${host}\`)`;
  return `HostRegexp(\`^[a-zA-Z0-9-]+${host.slice(1).replaceAll(".", "\\.")}$\`)`;
}

const headerMatcher = (header: HeaderMatch) =>
  oneOf(sentValues(header).map((value) => `Header(${literal(header.name)}, ${literal(value)})`));

/** https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/router/rules-and-priority/ */
const matchOf = (hosts: string[], { path, headers }: Part) =>
  [
    ...(hosts.length > 0 ? [oneOf(hosts.map(hostMatcher))] : []),
    `Path(\`${path}\`)`,
    ...headers.map(headerMatcher),
  ].join(" && ");

/** Above the length of any rule, which is the priority of routes that name none. */
const lowestPriority = 10_000;
/** More than a table has rules. */
const step = 1000;

/** A host goes before a wildcard, a long wildcard before a short one, any before none. */
const specificity = (host: string | undefined) =>
  host === undefined ? 0 : host.startsWith("*.") ? host.split(".").length : 128;

/** The table, for hosts of one specificity: other servers' routes may have the same path on hosts that are more specific, or less. */
function routesOf(ask: Ask, parts: Part[], hosts: string[]): object[] {
  const base = lowestPriority + step * specificity(hosts[0]);
  const serversTransport = transport(ask).metadata.name;
  const cors = corsMiddleware(ask);
  return parts.map((part, index) => {
    const middlewares = [
      ...cors.map(({ metadata }) => ({ name: metadata.name })),
      ...part.limits.map((limit) => ({ name: limitName(ask, limit) })),
    ];
    return {
      kind: "Rule",
      match: matchOf(hosts, part),
      priority: base + parts.length - index,
      ...(middlewares.length > 0 && { middlewares }),
      services: part.to.map(({ service, port, weight }) => ({
        name: service,
        port,
        ...(part.to.length > 1 && { weight }),
        serversTransport,
      })),
    };
  });
}

const isHost = (host: string | undefined) => host !== undefined;

/** Hosts by certificate, and those by specificity: the hosts of a route are alike in both. */
const groupsOf = (ask: Ask) =>
  [...Map.groupBy(hostsOf(ask), (host) => tlsOf(ask, host))].map(([tls, hosts]) => ({
    tls,
    groups: [...Map.groupBy(hosts, specificity).values()].map((alike) => alike.filter(isHost)),
  }));

/** An IngressRoute for each certificate, and one for the hosts without: an IngressRoute has one certificate. */
function ingressRoutes(ask: Ask, parts: Part[]): KubeObject[] {
  const { name } = ask.server.metadata;
  return groupsOf(ask).map(({ tls, groups }, index) => {
    const route = object(ask, "IngressRoute", index === 0 ? ownName(name) : named(ask, `routes-${index + 1}`), {
      routes: groups.flatMap((hosts) => routesOf(ask, parts, hosts)),
      ...(tls && { tls: tls.secretName === undefined ? {} : { secretName: tls.secretName } }),
    });
    const annotations = { "kubernetes.io/ingress.class": ask.ingress.className, ...ask.ingress.annotations };
    return { ...route, metadata: { ...route.metadata, annotations } };
  });
}

export function traefikRoutes(ask: Ask): Routes {
  const parts = withLimits(withoutEndless(ask.rules), limitsOf(ask), ask.server.spec.path);
  const times = groupsOf(ask).flatMap(({ groups }) => groups).length;
  return {
    objects: [transport(ask), ...corsMiddleware(ask), ...limitMiddlewares(ask), ...ingressRoutes(ask, parts)],
    cannot: [
      ...cannotCertify(ask, "IngressRoutes"),
      ...cannotTime(
        ask,
        "request",
        "Traefik limits the wait for an answer's first byte only: a stream may go on for longer.",
      ),
      ...cannotTime(
        ask,
        "idle",
        "Traefik limits the wait for an answer's first byte only: a stream may be silent for longer.",
      ),
      ...cannotAddUp(ask, "Traefik", (limit) => times * parts.filter(({ limits }) => limits.includes(limit)).length),
    ],
    matchesHeaders: true,
  };
}
