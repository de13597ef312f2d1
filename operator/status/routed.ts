// Whether calls from outside the cluster reach the server, told from what gateways report about its routes.
import type { McpServer, Spec } from "../api/mcpserver.ts";
import type { Limitation } from "../desired/routing/routes.ts";
import { type Finding, progressing, stalled } from "./finding.ts";
import type { GatewayState, ParentState, RouteCondition, RouteState } from "./observed.ts";

/** What is known of a server's way out; only of a server with spec.routing. */
export interface RoutingEvidence {
  /** The older server that has the same address. */
  takenBy?: { namespace: string; name: string } | undefined;
  /** What the gateway or the ingress controller can't do. */
  cannot: Limitation[];
  /** Whether the routes can tell calls apart by their headers. */
  matchesHeaders: boolean;
  /** Pools that take no calls yet, though they could: their gateway is being told of them first. */
  beingTold: string[];
  /** By name of the HTTPRoute or HTTPProxy. */
  routes: ReadonlyMap<string, RouteState>;
  /** Each parent that is a Gateway, and what is known of it: undefined when it isn't there, or out of sight. */
  gateways: {
    namespace: string;
    name: string;
    className: string;
    controller: string | undefined;
    state: GatewayState | undefined;
    /** Whether this process may look at Gateways in its namespace. */
    inSight: boolean;
  }[];
  /** `spec.controller` of the IngressClass; undefined when there is no such class, or it is out of sight. */
  ingressController?: string | undefined;
  /** Whether this process may look at classes, which are the cluster's. */
  classesInSight: { gateway: boolean; ingress: boolean };
}

interface Evidence {
  metadata: McpServer["metadata"];
  spec: Spec;
  routing: RoutingEvidence;
}

function addressTaken({ routing: { takenBy }, spec }: Evidence): Finding | undefined {
  if (!takenBy) return;
  const { namespace, name } = takenBy;
  return stalled(
    "AddressTaken",
    `McpServer ${namespace}/${name}, which is older, has one of these hostnames with path ${spec.path}, so this server has no route: change spec.routing.hostnames or spec.path of one of them.`,
  );
}

function missingGateway({ routing }: Evidence): Finding | undefined {
  for (const { namespace, name, className, controller, state, inSight } of routing.gateways) {
    if (!inSight) continue;
    if (!state)
      return progressing(
        "GatewayNotFound",
        `Gateway ${name} isn't in namespace ${namespace}: create it, or correct spec.routing.gateway.parentRefs.`,
      );
    if (controller === undefined && routing.classesInSight.gateway)
      return progressing(
        "GatewayClassNotFound",
        `Gateway ${namespace}/${name} is of class ${className}, which isn't there: create that GatewayClass by installing its controller, or correct the Gateway.`,
      );
  }
  return;
}

function missingIngressClass({ spec, routing }: Evidence): Finding | undefined {
  const { className } = spec.routing?.ingress ?? {};
  if (className === undefined || routing.ingressController !== undefined || !routing.classesInSight.ingress) return;
  return progressing(
    "IngressClassNotFound",
    `There is no IngressClass ${className}: install its controller, or correct spec.routing.ingress.className.`,
  );
}

const place = ({ kind = "Gateway", namespace, name, sectionName }: ParentState["parentRef"]) =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}${sectionName ? ` (listener ${sectionName})` : ""}`;

/** What to do about the reasons that Gateway API defines for a route (RouteConditionReason). */
const routeHints: Record<string, string> = {
  NotAllowedByListeners: "let this namespace in with allowedRoutes of the Gateway's listener, or use another Gateway",
  NoMatchingListenerHostname: "use a hostname in spec.routing.hostnames that a listener of the Gateway has",
  NoMatchingParent: "correct sectionName or port in spec.routing.gateway.parentRefs: the Gateway has no such listener",
  UnsupportedValue: "the gateway can't do what spec.routing asks for: leave out what the message names",
  RefNotPermitted: "a ReferenceGrant is missing in the other namespace: create it there",
  BackendNotFound: "the Service isn't there yet: see condition Ready",
  InvalidKind: "the gateway can't send calls to a Service: use another one",
  Invalid: "correct what the message names",
};

/** Reasons that pass by themselves. */
const passing = new Set(["Pending", "BackendNotFound"]);

function refused(parent: ParentState, { reason, message }: RouteCondition): Finding {
  const found = passing.has(reason) ? progressing : stalled;
  const said = message === "" ? "" : ` ${message.replace(/\.$/, "")}.`;
  const hint = routeHints[reason] ?? "see the route's status";
  return found(
    reason,
    `${place(parent.parentRef)} doesn't take this server's route:${said || " "} What to do: ${hint}.`.replace(
      / {2,}/g,
      " ",
    ),
  );
}

/** What a parent says against a route; the conditions that Gateway API asks every implementation for. */
function objection(parent: ParentState): RouteCondition | undefined {
  const asked = ["Accepted", "ResolvedRefs"];
  return parent.conditions.find(({ type, status }) => asked.includes(type) && status !== "True");
}

function refusedRoute({ routing }: Evidence): Finding | undefined {
  for (const { parents } of routing.routes.values())
    for (const parent of parents) {
      const against = objection(parent);
      if (against) return refused(parent, against);
    }
  return;
}

function unreadyGateway({ routing }: Evidence): Finding | undefined {
  const found = routing.gateways.find(({ state, inSight }) => inSight && state?.programmed?.status !== "True");
  if (!found) return;
  const { reason = "Pending", message = "" } = found.state?.programmed ?? {};
  return progressing(
    "GatewayNotReady",
    `Gateway ${found.namespace}/${found.name} doesn't take calls yet (${reason}): ${message || "its controller has not said anything about it"}`,
  );
}

const hasSeen = ({ generation }: RouteState, parent: ParentState) =>
  parent.conditions.some(({ type }) => type === "Accepted") &&
  parent.conditions.every(({ observedGeneration = generation }) => observedGeneration >= generation);

function pendingRoute({ spec, routing }: Evidence): Finding | undefined {
  const wanted = spec.routing?.gateway?.parentRefs.length ?? 0;
  const late = [...routing.routes].find(
    ([, route]) => route.parents.length < wanted || !route.parents.every((parent) => hasSeen(route, parent)),
  );
  if (!late && (wanted === 0 || routing.routes.size > 0)) return;
  return progressing(
    "RoutePending",
    `The gateway has not answered yet about route ${late?.[0] ?? "of this server"}: waiting for it.`,
  );
}

/** In the order of causes before effects. */
const findings = [addressTaken, missingGateway, missingIngressClass, refusedRoute, unreadyGateway, pendingRoute];

/** The first thing that keeps calls from reaching the server; undefined when nothing does. */
export function routingProblem(evidence: Evidence): Finding | undefined {
  return findings.map((find) => find(evidence)).find((found) => found !== undefined);
}

const defaultPorts: Record<string, number> = { http: 80, https: 443 };

/** The listener that clients most likely come in by: with TLS before without. */
function listenerOf({ spec, routing }: Evidence) {
  const [parent] = spec.routing?.gateway?.parentRefs ?? [];
  const listeners = routing.gateways[0]?.state?.listeners ?? [];
  const { sectionName, port } = parent ?? {};
  const meant = listeners.filter(
    (each) => (sectionName ?? each.name) === each.name && (port ?? each.port) === each.port,
  );
  return meant.find(({ protocol }) => protocol === "HTTPS") ?? meant.find(({ protocol }) => protocol === "HTTP");
}

/** A hostname that a client can call: none with a wildcard. */
const callable = (hostname: string | undefined) => (hostname?.startsWith("*") ? undefined : hostname);

/** Where clients reach the server from outside; undefined when no host can be told, or no listener is in sight. */
export function routedUrl(evidence: Evidence): string | undefined {
  const { routing } = evidence.spec;
  if (evidence.routing.gateways[0]?.inSight === false) return;
  const listener = listenerOf(evidence);
  const hosts = [...(routing?.hostnames ?? []), listener?.hostname].map(callable);
  const host = hosts.find((each) => each !== undefined) ?? evidence.routing.gateways[0]?.state?.address;
  if (host === undefined) return;
  const secure = listener ? listener.protocol === "HTTPS" : routing?.ingress?.tls !== undefined;
  const scheme = secure ? "https" : "http";
  const port = listener && listener.port !== defaultPorts[scheme] ? `:${listener.port}` : "";
  return `${scheme}://${host}${port}${evidence.spec.path}`;
}
