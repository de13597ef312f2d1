// HTTPProxy, of projectcontour.io/v1, for Contour: one a host, each including one with the routes.
// https://projectcontour.io/docs/1.33/config/api/
import type { RateLimit, Routing } from "../../../api/routing.ts";
import { ownName, roleName } from "../../names.ts";
import { child, hashOf, type KubeObject } from "../../object.ts";
import { allowedHeaders, allowedMethods, exposedHeaders } from "../cors.ts";
import type { Limitation, Routes } from "../routes.ts";
import type { HeaderMatch } from "../table.ts";
import { type Ask, hostsOf, limitsOf, timeoutsOf, tlsOf } from "./ask.ts";
import { byCount } from "./by-count.ts";
import { regexOf, sentValues } from "./headers.ts";
import { cannotAddUp, cannotCertify, cannotCombine } from "./limitations.ts";
import { originsOf } from "./origins.ts";
import { type Part, withLimits } from "./parts.ts";
import { plainRoutes } from "./plain.ts";

function httpProxy({ server, ingress }: Ask, name: string, spec: object): KubeObject {
  const bare = child(server, { apiVersion: "projectcontour.io/v1", kind: "HTTPProxy" }, name);
  return {
    ...bare,
    metadata: { ...bare.metadata, ...(ingress.annotations && { annotations: ingress.annotations }) },
    spec: { ingressClassName: ingress.className, ...spec },
  };
}

// --- The routes -----------------------------------------------------------------------------------------------------

/** https://projectcontour.io/docs/1.33/config/request-routing/#header-conditions */
function headerCondition(header: HeaderMatch): object {
  const values = sentValues(header);
  const [value] = values;
  return { header: { name: header.name, ...(values.length === 1 ? { exact: value } : { regex: regexOf(values) }) } };
}

const limited = (seconds: number) => (seconds === 0 ? "infinity" : `${seconds}s`);

/** https://projectcontour.io/docs/1.33/config/rate-limiting/#local-rate-limiting */
const local = ({ requests, unit }: RateLimit) => ({ local: { requests, unit: unit.toLowerCase() } });

function route(ask: Ask, { path, headers, to, endless, limits: [limit] }: Part): object {
  const { request, idle } = timeoutsOf(ask);
  return {
    // The path is last: where a header is, Contour 1.33 takes an exact path for a prefix.
    conditions: [...headers.map(headerCondition), { exact: path }],
    services: to.map(({ service, port, weight }) => ({ name: service, port, ...(to.length > 1 && { weight }) })),
    timeoutPolicy: { response: endless ? "infinity" : limited(request), idle: limited(idle) },
    ...(limit && { rateLimitPolicy: local(limit) }),
  };
}

// --- The hosts ------------------------------------------------------------------------------------------------------

/** https://projectcontour.io/docs/1.33/config/cors/ */
function corsPolicy(cors: NonNullable<Routing["cors"]>): object {
  const { all, exact, regexes } = originsOf(cors);
  return {
    allowOrigin: all ? ["*"] : [...exact, ...regexes],
    allowMethods: allowedMethods,
    allowHeaders: allowedHeaders(cors),
    exposeHeaders: exposedHeaders,
    allowCredentials: cors.allowCredentials,
    maxAge: cors.maxAge === 0 ? "0" : `${cors.maxAge}s`,
  };
}

/** Dots and stars can't be in every name: the hash tells `a.b-c` from `a-b.c`. */
const hostRole = (host: string) =>
  `host-${host.replace("*.", "any.").replaceAll(".", "-")}-${hashOf(host).slice(0, 8)}`;

interface Root {
  host: string;
  secretName: string | undefined;
  limit: RateLimit | undefined;
}

function root(ask: Ask, { host, secretName, limit }: Root): KubeObject {
  const { name } = ask.server.metadata;
  const { cors } = ask.routing;
  return httpProxy(ask, roleName(name, hostRole(host)), {
    virtualhost: {
      fqdn: host,
      ...(secretName !== undefined && { tls: { secretName } }),
      ...(cors && { corsPolicy: corsPolicy(cors) }),
      ...(limit && { rateLimitPolicy: local(limit) }),
    },
    includes: [{ name: ownName(name) }],
  });
}

/** An HTTPProxy can't go without the name of the Secret, and calls must not go without TLS instead. */
const hasNoSecret = (ask: Ask, host: string) => {
  const tls = tlsOf(ask, host);
  return tls !== undefined && tls.secretName === undefined;
};

// --- What can't be said ---------------------------------------------------------------------------------------------

const isForAll = ({ method, tool }: RateLimit) => method === undefined && tool === undefined;

function cannotSecure(hosts: string[]): Limitation[] {
  if (hosts.length === 0) return [];
  const message = `Contour needs the certificate's Secret, so ${hosts.join(", ")} has no route: name it in routing.ingress.tls[].secretName.`;
  return [{ field: "routing.ingress.tls", message }];
}

function cannotLimit(ask: Ask, forAll: RateLimit[], parts: Part[]): Limitation[] {
  const field = "routing.rateLimits";
  const forOneClient = ask.routing.rateLimits?.some(({ perClient }) => perClient !== undefined);
  const message = "Contour can't count each client's calls by itself: such limits aren't kept; drop perClient.";
  // What is for all calls is kept by the host, unless the call's route has a limit of its own.
  const all = parts.map((part) => ({ ...part, limits: [...part.limits, ...forAll] }));
  const hosts = hostsOf(ask).length;
  return [
    ...(forOneClient ? [{ field, message }] : []),
    ...cannotCombine(all, "Contour"),
    ...cannotAddUp(
      ask,
      "Contour",
      (limit) => hosts * (forAll.includes(limit) ? 1 : parts.filter(({ limits }) => limits.includes(limit)).length),
    ),
  ];
}

export function contourRoutes(ask: Ask): Routes {
  const { hostnames } = ask.routing;
  if (!hostnames) {
    const { objects, cannot, matchesHeaders } = plainRoutes(ask, "Contour");
    const message = "Contour tells calls apart by header for named hosts only: give hostnames.";
    return { objects, cannot: [...cannot, { field: "routing.hostnames", message }], matchesHeaders };
  }
  const kept = limitsOf(ask).filter(({ perClient }) => perClient === undefined);
  const forAll = kept.filter(isForAll);
  const parts = byCount(
    withLimits(
      ask.rules,
      kept.filter((limit) => !isForAll(limit)),
      ask.server.spec.path,
    ),
  );
  const open = hostnames.filter((host) => !hasNoSecret(ask, host));
  const closed = hostnames.filter((host) => hasNoSecret(ask, host));
  return {
    objects: [
      httpProxy(ask, ownName(ask.server.metadata.name), { routes: parts.map((part) => route(ask, part)) }),
      ...open.map((host) => root(ask, { host, secretName: tlsOf(ask, host)?.secretName, limit: forAll[0] })),
    ],
    cannot: [...cannotCertify(ask, "HTTPProxies"), ...cannotSecure(closed), ...cannotLimit(ask, forAll, parts)],
    matchesHeaders: true,
  };
}
