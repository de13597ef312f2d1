// HTTPProxies, evaluated as Contour does: exact paths, then the route with more header conditions; a host goes before a
// wildcard. https://projectcontour.io/docs/1.33/config/request-routing/
import type { KubeObject } from "../../../../operator/desired/object.ts";
import { isHost, type Taken, type WebRequest } from "./request.ts";

interface Header {
  name: string;
  exact?: string;
  regex?: string;
}
interface LimitPolicy {
  local: { requests: number; unit: string };
}
interface Route {
  conditions: { header?: Header; exact?: string }[];
  services: { name: string; weight?: number }[];
  timeoutPolicy: { response: string; idle: string };
  rateLimitPolicy?: LimitPolicy;
}
interface Spec {
  virtualhost?: { fqdn: string; rateLimitPolicy?: LimitPolicy };
  includes?: { name: string }[];
  routes?: Route[];
}

const specOf = ({ spec }: KubeObject) => spec as Spec;

/** Regular expressions are for the whole value. */
function fitsHeader({ name, exact, regex }: Header, { headers }: WebRequest): boolean {
  const sent = headers[name.toLowerCase()];
  if (sent === undefined) return false;
  return regex === undefined ? sent === exact : new RegExp(`^(?:${regex})$`).test(sent);
}

const headersOf = ({ conditions }: Route) => conditions.flatMap(({ header }) => header ?? []);

/** What follows the last path condition makes it a prefix (mergePathMatchConditions of Contour 1.33). */
function fits(route: Route, request: WebRequest): boolean {
  const { exact } = route.conditions.at(-1)!;
  if (exact === undefined) throw new Error("the path isn't last, so it is a prefix");
  return exact === request.path && headersOf(route).every((header) => fitsHeader(header, request));
}

function rootOf(objects: KubeObject[], host: string): Spec | undefined {
  const roots = objects.map(specOf).filter(({ virtualhost }) => virtualhost && isHost(virtualhost.fqdn, host));
  return roots.find(({ virtualhost }) => virtualhost!.fqdn === host) ?? roots[0];
}

/** The route that takes a request; throws where two have equally many headers. */
export function contourRoute(objects: KubeObject[], request: WebRequest): (Route & { root: Spec }) | undefined {
  const proxies = objects.filter(({ kind }) => kind === "HTTPProxy");
  const root = rootOf(proxies, request.host);
  const included = new Set(root?.includes?.map(({ name }) => name));
  const [first, second] = proxies
    .filter(({ metadata }) => included.has(metadata.name))
    .flatMap((proxy) => specOf(proxy).routes ?? [])
    .filter((route) => fits(route, request))
    .sort((a, b) => headersOf(b).length - headersOf(a).length);
  if (!root || !first) return;
  if (second && headersOf(second).length === headersOf(first).length)
    throw new Error(`equal: ${JSON.stringify([first.conditions, second.conditions])}`);
  return { ...first, root };
}

export function takenByContour(objects: KubeObject[], request: WebRequest): Taken | undefined {
  const route = contourRoute(objects, request);
  if (!route) return;
  const limit = route.rateLimitPolicy ?? route.root.virtualhost!.rateLimitPolicy;
  return {
    shares: Object.fromEntries(route.services.map(({ name, weight = 100 }) => [name, weight])),
    limits: limit ? [`${limit.local.requests} ${limit.local.unit}`] : [],
  };
}
