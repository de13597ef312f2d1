// What a server's routes depend on, gathered from the caches.
import type { McpServer } from "../api/mcpserver.ts";
import { legacyPool, mainPool } from "../api/pool.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { routes } from "../desired/routing/index.ts";
import type { RoutingWorld } from "../desired/routing/routes.ts";
import type { ParentState, RouteState } from "../status/observed.ts";
import type { RoutingEvidence } from "../status/routed.ts";
import { addressesOf, gatewayKeysOf, isOlder, meet } from "./addresses.ts";
import type { Caches } from "./caches.ts";
import type { Child } from "./observed.ts";
import type { Waited } from "./waited.ts";

/** Where calls go now, and which pools take them later. */
interface CallsGo extends Pick<RoutingWorld, "takesCalls" | "isKnown"> {
  beingTold: string[];
  after?: number | undefined;
}

export interface GatheredRouting {
  /** None when the server must not have routes. */
  world: RoutingWorld | undefined;
  evidence: RoutingEvidence;
  /** When a gateway will have learnt of a route that it is being told of, in milliseconds. */
  after?: number | undefined;
}

type RoutingCaches = Pick<Caches, "serversAt" | "gateway" | "controllerOf" | "sees">;

/** The older server that has one of this one's addresses. */
function holderOf(server: McpServer, caches: RoutingCaches): { namespace: string; name: string } | undefined {
  const rivals = addressesOf(server).flatMap(caches.serversAt);
  const older = rivals.find(
    (rival) =>
      rival.metadata.uid !== server.metadata.uid &&
      !rival.metadata.deletionTimestamp &&
      isOlder(rival.metadata, server.metadata) &&
      meet(rival, server),
  );
  return older?.metadata;
}

/** Pools that have a pod to take calls. */
function answering(pools: EffectivePool[], own: Child[]): Set<string> {
  const available = new Set(own.flatMap(({ name, deployment }) => (deployment?.available ? [name] : [])));
  return new Set(pools.flatMap(({ name, objectName }) => (available.has(objectName) ? [name] : [])));
}

/** From the gateway's saying that it has a route until all of its proxies have it, in milliseconds; and when it says nothing. */
const untilKnown = { accepted: 2000, unheard: 10_000 };

const isAccepted = ({ generation, parents }: RouteState) =>
  parents.length > 0 &&
  parents.every(({ conditions }) =>
    conditions.some(
      ({ type, status, observedGeneration }) =>
        type === "Accepted" && status === "True" && observedGeneration === generation,
    ),
  );

/** How long to wait for a gateway to know a route and the pods behind it, in milliseconds. */
function unknownFor({ idle, route, uid }: Child & { route: RouteState }, waited: Waited): number {
  if (!idle) return 0;
  return Math.max(0, (isAccepted(route) ? untilKnown.accepted : untilKnown.unheard) - waited(`known/${uid}`));
}

/** Which pools take calls, and by which HTTPRoutes: those that the gateway has learnt of. */
function callsGo(
  server: McpServer,
  { pools, own }: { pools: EffectivePool[]; own: Child[] },
  waited: Waited | undefined,
): CallsGo {
  const allKnown = { isKnown: () => true, beingTold: [] };
  if (!waited) return { takesCalls: new Set(pools.map(({ name }) => name)), ...allKnown };
  const answer = answering(pools, own);
  if (!server.spec.routing?.gateway) return { takesCalls: new Set([mainPool, ...answer]), ...allKnown };
  const routesOfPools = own.flatMap(({ route, pool, ...rest }) =>
    route && pool !== undefined && answer.has(pool) ? [{ ...rest, route, pool }] : [],
  );
  const waits = routesOfPools.map((route) => ({ ...route, wait: unknownFor(route, waited) }));
  const known = waits.filter(({ wait }) => wait === 0);
  const names = new Set(known.map(({ name }) => name));
  const later = waits.filter(({ wait }) => wait > 0);
  // Any pod may serve any request: until its route is known, a pool's calls go to the main one. But the server's own route
  // leaves all of the old clients' calls to the legacy pool.
  const isTold = (pool: string) => pool !== legacyPool || known.some((route) => route.pool === pool);
  return {
    takesCalls: new Set([mainPool, ...[...answer].filter(isTold)]),
    isKnown: (name) => names.has(name),
    beingTold: later.map(({ pool }) => pool),
    after: later.length > 0 ? Math.min(...later.map(({ wait }) => wait)) : undefined,
  };
}

function gatewaysOf(server: McpServer, caches: RoutingCaches): RoutingEvidence["gateways"] {
  return gatewayKeysOf(server).map((key) => {
    const [namespace = "", name = ""] = key.split("/");
    const state = caches.gateway(key);
    const className = state?.className ?? "";
    const controller = caches.controllerOf("GatewayClass", className);
    return { namespace, name, className, controller, state, inSight: caches.sees("Gateway", namespace) };
  });
}

/** What each Gateway's own controller says: some answer for Gateways of others. */
function ofItsController(route: RouteState, gateways: RoutingEvidence["gateways"]): RouteState {
  const isOthers = ({ parentRef, controllerName }: ParentState) =>
    gateways.some(
      ({ namespace, name, controller }) =>
        name === parentRef.name &&
        namespace === (parentRef.namespace ?? namespace) &&
        controller !== undefined &&
        controller !== controllerName,
    );
  return { ...route, parents: route.parents.filter((parent) => !isOthers(parent)) };
}

interface RoutingSources {
  pools: EffectivePool[];
  own: Child[];
  caches: RoutingCaches;
  /** Undefined: as if all pods took calls and gateways knew of it. */
  waited: Waited | undefined;
}

/** What routes need, and what is known of those that there are; undefined without spec.routing. */
export function gatherRouting(
  server: McpServer,
  { pools, own, caches, waited }: RoutingSources,
): GatheredRouting | undefined {
  const { routing } = server.spec;
  if (!routing) return;
  const takenBy = holderOf(server, caches);
  const gateways = gatewaysOf(server, caches);
  const ingressController = routing.ingress && caches.controllerOf("IngressClass", routing.ingress.className);
  const controllers = [...gateways.map(({ controller }) => controller), ingressController];
  const { after, beingTold, takesCalls, isKnown } = callsGo(server, { pools, own }, waited);
  const world: RoutingWorld = {
    takesCalls,
    isKnown,
    controllers: [...new Set(controllers.filter((controller) => controller !== undefined))].sort(),
  };
  const { cannot, matchesHeaders } = routes(server, world);
  const classesInSight = { gateway: caches.sees("GatewayClass"), ingress: caches.sees("IngressClass") };
  const states = own.flatMap(({ name, route }) => (route ? [[name, ofItsController(route, gateways)] as const] : []));
  return {
    after,
    world: takenBy ? undefined : world,
    evidence: {
      takenBy,
      cannot,
      matchesHeaders,
      beingTold,
      routes: new Map(states),
      gateways,
      ingressController,
      classesInSight,
    },
  };
}
