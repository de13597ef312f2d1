// How calls come in from outside the cluster: the objects that spec.routing asks for.
import type { McpServer } from "../../api/mcpserver.ts";
import { gatewayRoutes } from "./gateway/index.ts";
import { ingressRoutes } from "./ingress.ts";
import type { Routes, RoutingWorld } from "./routes.ts";
import { routeTable } from "./table.ts";

const none: Routes = { objects: [], cannot: [], matchesHeaders: true };

/**
 * The routes of a server, unsealed, in the order in which they are written; none without spec.routing.
 * @param world what is known of the pools and of the cluster's gateway or ingress controller
 */
export function routes(server: McpServer, world: RoutingWorld): Routes {
  const { routing } = server.spec;
  if (routing?.gateway) return gatewayRoutes(server, world);
  if (routing?.ingress) return ingressRoutes(server, routeTable(server, world.takesCalls), world.controllers[0]);
  return none;
}
