// Routes as the tests look at them.
import { dump } from "js-yaml";
import type { McpServer, SpecInput } from "../../../operator/api/mcpserver.ts";
import type { KubeObject } from "../../../operator/desired/object.ts";
import { poolsOf } from "../../../operator/desired/pool.ts";
import { routes } from "../../../operator/desired/routing/index.ts";
import { serverOf } from "../arbitraries.ts";
import { type RouteRule, rulesOf } from "./precedence.ts";

const envoyGateway = "gateway.envoyproxy.io/gatewayclass-controller";
const traefik = "traefik.io/gateway-controller";

/** The kinds of gateways that are rendered for, by the controllers of their classes. */
export const controllers = {
  "any gateway": [],
  "Envoy Gateway": [envoyGateway],
  Traefik: [traefik],
  "gateways of several kinds": [envoyGateway, traefik],
};
export type Kind = keyof typeof controllers;
export const kinds = Object.keys(controllers) as Kind[];

export const allPools = (server: McpServer) => new Set(poolsOf(server).map(({ name }) => name));

/** What is rendered for a kind of gateway, when these pools take calls: all, if not given. */
export const renderedFor = (server: McpServer, kind: Kind, takesCalls: ReadonlySet<string> = allPools(server)) =>
  routes(server, { takesCalls, isKnown: () => true, controllers: controllers[kind] });

export const ofKind = (objects: KubeObject[], kind: string) => objects.filter((object) => object.kind === kind);
export const httpRoutesOf = (objects: KubeObject[]) => ofKind(objects, "HTTPRoute");

export type RoutingInput = NonNullable<SpecInput["routing"]>;

/** A server with a gateway. */
export const basket = (routing: Partial<RoutingInput> = {}, spec: Partial<SpecInput> = {}) =>
  serverOf("basket", {
    image: "basket",
    ...spec,
    routing: { gateway: { parentRefs: [{ name: "public" }] }, ...routing },
  });

export const yaml = (value: unknown) => dump(value, { noRefs: true, lineWidth: -1 });

/** Contents of all objects of a kind. */
export const specsOf = (objects: KubeObject[], kind: string) =>
  ofKind(objects, kind).map(({ spec }) => spec as Record<string, unknown>);

/** Rules of all HTTPRoutes. */
export const routeRulesOf = (server: McpServer, kind: Kind): RouteRule[] =>
  httpRoutesOf(renderedFor(server, kind).objects).flatMap(rulesOf);

/** `field: message` of each limitation. */
export const limitationsOf = (server: McpServer, kind: Kind) =>
  renderedFor(server, kind).cannot.map(({ field, message }) => `${field}: ${message}`);
