// Routes of an ingress controller: the standard has no words for headers, so each has a dialect of its own.
import type { McpServer } from "../../api/mcpserver.ts";
import { albRoutes } from "./ingress/alb.ts";
import type { Ask, Dialect } from "./ingress/ask.ts";
import { contourRoutes } from "./ingress/contour.ts";
import { haproxyRoutes } from "./ingress/haproxy.ts";
import { kongRoutes } from "./ingress/kong.ts";
import { plainRoutes } from "./ingress/plain.ts";
import { traefikRoutes } from "./ingress/traefik.ts";
import type { Routes } from "./routes.ts";
import type { Rule } from "./table.ts";

const dialects = new Map<string, Dialect>([
  ["traefik.io/ingress-controller", traefikRoutes],
  ["haproxy-ingress.github.io/controller", haproxyRoutes],
  ["ingress.k8s.aws/alb", albRoutes],
  ["ingress-controllers.konghq.com/kong", kongRoutes],
]);

/** Contour looks at the class's name only, so people write what they like after its domain. */
const dialectOf = (controller = ""): Dialect | undefined =>
  controller.startsWith("projectcontour.io/") ? contourRoutes : dialects.get(controller);

function unknown(ask: Ask, controller: string | undefined): Routes {
  const { className } = ask.ingress;
  const routes = plainRoutes(ask, controller ?? `class ${className}`);
  if (routes.matchesHeaders) return routes;
  const who = controller === undefined ? "isn't known" : `is ${controller}, which can't tell calls apart by header`;
  const message = `The controller of class ${className} ${who}, so all calls go to the main pool: use a class of Traefik, Contour, haproxy-ingress, AWS ALB or Kong, or routing.gateway.`;
  return { ...routes, cannot: [{ field: "routing.ingress.className", message }, ...routes.cannot] };
}

/**
 * The objects that bring calls to a server by `spec.routing.ingress`; none without it.
 * @param rules the server's table, of which the first rule that fits counts
 * @param controller `spec.controller` of the IngressClass; undefined when there is no such class
 */
export function ingressRoutes(server: McpServer, rules: Rule[], controller: string | undefined): Routes {
  const { routing } = server.spec;
  if (!routing?.ingress) return { objects: [], cannot: [], matchesHeaders: true };
  const ask: Ask = { server, rules, routing, ingress: routing.ingress };
  return dialectOf(controller)?.(ask) ?? unknown(ask, controller);
}
