// Everything of Gateway API: the portable routes, and what the gateways of known controllers can do beyond them.
import type { McpServer } from "../../../api/mcpserver.ts";
import { poolLabel } from "../../labels.ts";
import type { KubeObject } from "../../object.ts";
import { poolsOf } from "../../pool.ts";
import { byCount } from "../ingress/by-count.ts";
import type { Limitation, Routes, RoutingWorld } from "../routes.ts";
import { type Rule, routeTable } from "../table.ts";
import type { Dialect } from "./dialect.ts";
import { envoyGateway, envoyGatewayController } from "./envoy-gateway.ts";
import { httpRoutes } from "./http-route.ts";
import { idle } from "./idle.ts";
import { type Unit, unitsOf, unmatched } from "./match.ts";
import { portable } from "./portable.ts";
import { traefik, traefikController } from "./traefik.ts";

const dialects: Readonly<Record<string, Dialect>> = {
  [envoyGatewayController]: envoyGateway,
  [traefikController]: traefik,
};

/** Gateways of several controllers share the routes, so these say only what all of them understand. */
function shared(controllers: readonly string[]): Dialect {
  const takesCors = !controllers.includes(traefikController);
  const corsLimitation = ({ spec }: McpServer): Limitation[] =>
    takesCors || !spec.routing?.cors
      ? []
      : [
          {
            field: "routing.cors",
            message:
              "Traefik has CORS by Middleware only, which the other Gateways of parentRefs don't know: name Gateways of one controller.",
          },
        ];
  return {
    ...portable,
    filtersOf: takesCors ? portable.filtersOf : () => () => [],
    ...(controllers.includes(envoyGatewayController) && {
      annotationsOf: envoyGateway.annotationsOf,
      objectsOf: envoyGateway.objectsOf,
    }),
    cannot: (server, units) => [...portable.cannot(server, units), ...corsLimitation(server)],
  };
}

function dialectOf(controllers: readonly string[]): Dialect {
  const [only = "", ...others] = controllers;
  return others.length > 0 ? shared(controllers) : (dialects[only] ?? portable);
}

/** Names that get lost on the way, and what becomes of their calls. */
function lostNames(rules: Rule[], regex: boolean): Limitation[] {
  const lost = [...new Set(unmatched(rules, regex))];
  if (lost.length === 0) return [];
  return [
    {
      field: "pools",
      message: `Names with two blanks in a row or a backquote can't be matched on every gateway: calls of ${lost.map((name) => `'${name}'`).join(", ")} go to the main pool unless the client encodes the name, so use other names.`,
    },
  ];
}

/** The server's own routes take calls at once: nobody calls before they are there. */
const isOwn = ({ metadata }: KubeObject) => metadata.labels[poolLabel] === undefined;

const isNotIn = (routes: KubeObject[]) => {
  const names = new Set(routes.map(({ metadata }) => metadata.name));
  return ({ metadata }: KubeObject) => !names.has(metadata.name);
};

/** The routes of a server whose spec.routing has a gateway: those of pools that take no calls yet are there, and idle. */
export function gatewayRoutes(server: McpServer, { takesCalls, isKnown, controllers }: RoutingWorld): Routes {
  const { regex, rulesOf, filtersOf, annotationsOf, objectsOf, cannot } = dialectOf(controllers);
  const rulesFor = (pools: ReadonlySet<string>) => byCount(rulesOf(server, routeTable(server, pools, true)));
  const routesFor = (units: Unit[]) =>
    httpRoutes(server, units, {
      regex,
      filtersOf: filtersOf(server),
      annotationsOf: (pool) => annotationsOf?.(server, pool) ?? {},
    });

  const rules = rulesFor(takesCalls);
  const units = rules.flatMap(unitsOf);
  const now = routesFor(units).map((route) => (isOwn(route) || isKnown(route.metadata.name) ? route : idle(route)));
  const pools = new Set(poolsOf(server).map(({ name }) => name));
  const all = pools.size > takesCalls.size ? routesFor(rulesFor(pools).flatMap(unitsOf)) : [];
  const later = all.filter(isNotIn(now)).map(idle);
  return {
    // What routes refer to comes before them, so that no call finds it missing.
    objects: [...objectsOf(server), ...now, ...later],
    cannot: [...cannot(server, units), ...lostNames(rules, regex)],
    matchesHeaders: true,
  };
}
