// All dialects: the controller that each is for, and an evaluator of what it says.
import type { McpServer, SpecInput } from "../../../../operator/api/mcpserver.ts";
import type { KubeObject } from "../../../../operator/desired/object.ts";
import { poolsOf } from "../../../../operator/desired/pool.ts";
import { ingressRoutes } from "../../../../operator/desired/routing/ingress.ts";
import type { Routes } from "../../../../operator/desired/routing/routes.ts";
import { type Rule, routeTable } from "../../../../operator/desired/routing/table.ts";
import { serverOf } from "../../arbitraries.ts";
import { takenByContour } from "./contour.ts";
import { takenByAlb, takenByAny, takenByHaproxy, takenByKong } from "./ingresses.ts";
import type { Taken, WebRequest } from "./request.ts";
import { takenByTraefik } from "./traefik.ts";

export interface Dialect {
  name: string;
  controller: string | undefined;
  takenBy: (objects: KubeObject[], request: WebRequest) => Taken | undefined;
  /** Whether a rule's calls can be shared out between Services. */
  weights: boolean;
  /** Whether a name in other letters, upper-case for lower-case, is the same name to the controller. */
  foldsCase?: true;
}

export const plain: Dialect = {
  name: "plain",
  controller: "k8s.io/ingress-nginx",
  takenBy: takenByAny,
  weights: false,
};

/** The dialects that tell calls apart by header. */
export const dialects: Dialect[] = [
  { name: "traefik", controller: "traefik.io/ingress-controller", takenBy: takenByTraefik, weights: true },
  { name: "contour", controller: "projectcontour.io/ingress-controller", takenBy: takenByContour, weights: true },
  {
    name: "haproxy",
    controller: "haproxy-ingress.github.io/controller",
    takenBy: takenByHaproxy,
    weights: false,
  },
  { name: "alb", controller: "ingress.k8s.aws/alb", takenBy: takenByAlb, weights: true, foldsCase: true },
  {
    name: "kong",
    controller: "ingress-controllers.konghq.com/kong",
    takenBy: (objects, request) => takenByKong(objects, request, (value) => value.toLowerCase()),
    weights: false,
    foldsCase: true,
  },
];

export const dialect = (name: string): Dialect => [...dialects, plain].find((each) => each.name === name)!;

/** The table of a server of which all pools take calls. */
export const tableOf = (server: McpServer): Rule[] =>
  routeTable(server, new Set(poolsOf(server).map(({ name }) => name)));

/** The routes of server `basket`, of which all pools take calls. */
export function routesWith(name: string, spec: Partial<SpecInput>): Routes {
  const server = serverOf("basket", { image: "registry.example.com/basket-mcp:1.4.0", ...spec });
  return ingressRoutes(server, tableOf(server), dialect(name).controller);
}

type Routing = NonNullable<SpecInput["routing"]>;

/** spec.routing with an ingress. */
export const byIngress = ({
  ingress,
  ...rest
}: Omit<Routing, "gateway" | "ingress"> & { ingress?: Partial<NonNullable<Routing["ingress"]>> } = {}) => ({
  routing: { hostnames: ["mcp.example.com"], ...rest, ingress: { className: "web", ...ingress } },
});
