// HTTPRoute (gateway.networking.k8s.io/v1, standard channel): https://gateway-api.sigs.k8s.io/reference/spec/#httproute
//
// One a pool, the canary's and the legacy one among them, and more of a pool where one doesn't hold all its names. What
// the API server would fill in is filled in, so that what Git or `render` shows is what the cluster has.
import type { McpServer } from "../../../api/mcpserver.ts";
import { mainPool } from "../../../api/pool.ts";
import { ownName, poolName, roleName } from "../../names.ts";
import { child, type KubeObject } from "../../object.ts";
import { poolsOf } from "../../pool.ts";
import type { Backend, Rule } from "../table.ts";
import { type LimitedRule, matchesOf, type Unit } from "./match.ts";
import { shards } from "./shards.ts";

/** HTTPRouteSpec.rules: at most 16. HTTPRouteRule.matches: at most 8 before Gateway API 1.2, so never more than 128 in all. */
const most = { rules: 16, matchesOfRule: 8 };

/** HTTPRouteFilter, as far as anypod has a use for it: none that touches a header of MCP. */
export interface RouteFilter {
  type: "CORS" | "ExtensionRef";
  [field: string]: unknown;
}

/** What a rule does with its calls: HTTPRouteRule without its matches. */
interface Action {
  filters?: RouteFilter[];
  backendRefs: object[];
  timeouts: { request: string };
}

const backendRef = ({ service, port, weight }: Backend) => ({
  group: "",
  kind: "Service",
  name: service,
  port,
  weight,
});

/** HTTPRouteTimeouts.backendRequest is left out: without retries it would say the same. */
function actionOf({ spec }: McpServer, rule: Rule, filters: RouteFilter[]): Action {
  return {
    ...(filters.length > 0 && { filters }),
    backendRefs: rule.to.map(backendRef),
    // HTTPRouteTimeouts.request: 0s is no limit; without the field it's up to the gateway, and Envoy's is 15 s.
    timeouts: { request: rule.endless ? "0s" : (spec.routing?.timeouts.request ?? "0s") },
  };
}

/** What the gateway adds to the routes. */
export interface Traits {
  /** Whether header matches by regular expressions (RE2) are understood. */
  regex: boolean;
  filtersOf: (rule: LimitedRule) => RouteFilter[];
  annotationsOf: (pool: string) => Record<string, string>;
}

/** A unit, and what is done with its calls, as text too, so that it can be compared. */
interface Placed {
  unit: Unit;
  action: Action;
  does: string;
}

function placed(server: McpServer, units: Unit[], filtersOf: Traits["filtersOf"]): Placed[] {
  const byRule = Map.groupBy(units, ({ rule }) => rule);
  return [...byRule].flatMap(([rule, parts]) => {
    const action = actionOf(server, rule, filtersOf(rule));
    // With the path: metadata keeps a rule of its own, also while its calls go where all others go.
    const does = JSON.stringify([rule.path, action]);
    return parts.map((unit) => ({ unit, action, does }));
  });
}

const chunks = <T>(items: T[], size: number) =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

/** The fewest rules that hold the units, those for one action after the other. */
const rulesOf = (held: Placed[], regex: boolean): object[] =>
  [...Map.groupBy(held, ({ does }) => does).values()].flatMap((alike) => {
    const units = alike.map(({ unit }) => unit);
    return chunks(matchesOf(units, regex), most.matchesOfRule).map((matches) => ({ matches, ...alike[0]?.action }));
  });

/**
 * Rules keep their place in the route while others come and go, as Envoy Gateway names what it knows of a rule's backends
 * by that place: what every server has comes first, streams last. Which rule counts doesn't depend on the order.
 */
const inOrder = ({ unit: a }: Placed, { unit: b }: Placed) =>
  Number(a.rule.endless) - Number(b.rule.endless) ||
  Object.keys(a.values).length - Object.keys(b.values).length ||
  b.rule.path.length - a.rule.path.length ||
  (a.key < b.key ? -1 : 1);

/** ParentReference; its group and kind have defaults. */
const parentRefs = ({ spec }: McpServer) =>
  (spec.routing?.gateway?.parentRefs ?? []).map((parent) => ({
    group: "gateway.networking.k8s.io",
    kind: "Gateway",
    ...parent,
  }));

function routeName(server: string, pool: string | undefined, shard: string): string {
  if (shard !== "") return roleName(server, ["route", ...(pool === undefined ? [] : [pool]), shard].join("-"));
  return pool === undefined ? ownName(server) : poolName(server, pool);
}

/** The routes of a pool; those of the main one are the server's own. */
function routesOf(server: McpServer, pool: string | undefined, held: Placed[], traits: Traits): KubeObject[] {
  const { hostnames } = server.spec.routing ?? {};
  const { regex, annotationsOf } = traits;
  const fits = (some: Placed[]) => rulesOf(some, regex).length <= most.rules;
  const annotations = annotationsOf(pool ?? mainPool);
  return shards(held.toSorted(inOrder), ({ unit }) => unit.key, fits).map(({ name, items }) => {
    const type = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" };
    const route = child(server, type, routeName(server.metadata.name, pool, name), pool);
    return {
      ...route,
      metadata: { ...route.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
      spec: { parentRefs: parentRefs(server), ...(hostnames && { hostnames }), rules: rulesOf(items, regex) },
    };
  });
}

/**
 * The HTTPRoutes of a server: the server's own first, then those of its pools.
 * @param units of all its rules
 */
export function httpRoutes(server: McpServer, units: Unit[], traits: Traits): KubeObject[] {
  const pools = poolsOf(server).flatMap(({ name }) => (name === mainPool ? [] : [name]));
  const groups = Map.groupBy(placed(server, units, traits.filtersOf), ({ unit }) =>
    pools.find((name) => name === unit.rule.pool),
  );
  return [undefined, ...pools].flatMap((pool) => routesOf(server, pool, groups.get(pool) ?? [], traits));
}
