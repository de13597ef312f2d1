// What a server's routes depend on, gathered from the caches.
import type { McpServer } from "../api/mcpserver.ts";
import { mainPool } from "../api/pool.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { routes } from "../desired/routing/index.ts";
import type { RoutingWorld } from "../desired/routing/routes.ts";
import type { ParentState, RouteState } from "../status/observed.ts";
import type { RoutingEvidence } from "../status/routed.ts";
import { addressesOf, gatewayKeysOf, isOlder } from "./addresses.ts";
import type { Caches } from "./caches.ts";
import type { Child } from "./observed.ts";

export interface GatheredRouting {
  /** None when the server must not have routes. */
  world: RoutingWorld | undefined;
  evidence: RoutingEvidence;
}

/** The older server that has one of this one's addresses. */
function holderOf(server: McpServer, caches: Caches): { namespace: string; name: string } | undefined {
  const rivals = addressesOf(server).flatMap(caches.serversAt);
  const older = rivals.find(
    ({ metadata }) =>
      metadata.uid !== server.metadata.uid && !metadata.deletionTimestamp && isOlder(metadata, server.metadata),
  );
  return older?.metadata;
}

/** The main pool, and those that have a pod to take calls: any pod may serve any request, so nobody waits for the others. */
function poolsThatTakeCalls(pools: EffectivePool[], own: Child[]): Set<string> {
  const answering = new Set(own.flatMap(({ name, deployment }) => (deployment?.available ? [name] : [])));
  return new Set([mainPool, ...pools.flatMap(({ name, objectName }) => (answering.has(objectName) ? [name] : []))]);
}

function gatewaysOf(server: McpServer, caches: Caches): RoutingEvidence["gateways"] {
  return gatewayKeysOf(server).map((key) => {
    const [namespace = "", name = ""] = key.split("/");
    const state = caches.gateway(key);
    const className = state?.className ?? "";
    return { namespace, name, className, controller: caches.controllerOf("GatewayClass", className), state };
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

/** What routes need, and what is known of those that there are; undefined without spec.routing. */
export function gatherRouting(
  server: McpServer,
  { pools, own, caches }: { pools: EffectivePool[]; own: Child[]; caches: Caches },
): GatheredRouting | undefined {
  const { routing } = server.spec;
  if (!routing) return;
  const takenBy = holderOf(server, caches);
  const gateways = gatewaysOf(server, caches);
  const ingressController = routing.ingress && caches.controllerOf("IngressClass", routing.ingress.className);
  const controllers = [...gateways.map(({ controller }) => controller), ingressController];
  const world: RoutingWorld = {
    takesCalls: poolsThatTakeCalls(pools, own),
    controllers: [...new Set(controllers.filter((controller) => controller !== undefined))].sort(),
  };
  const { cannot, matchesHeaders } = routes(server, world);
  const states = own.flatMap(({ name, route }) => (route ? [[name, ofItsController(route, gateways)] as const] : []));
  return {
    world: takenBy ? undefined : world,
    evidence: { takenBy, cannot, matchesHeaders, routes: new Map(states), gateways, ingressController },
  };
}
