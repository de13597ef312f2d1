// Envoy Gateway: one BackendTrafficPolicy for all routes of a server.
// https://gateway.envoyproxy.io/docs/api/extension_types/#backendtrafficpolicy (v1.9)
//
// It replaces one of the Gateway's as a whole for these routes, as no mergeType is set: what the routes do is said here.
// So nothing is buffered (requestBuffer, compressor) and no client is bound to a pod (loadBalancer), whatever holds for
// other routes of the Gateway. The API server adds `invert: false` to what selects calls, and maxParallelRetries.
import type { McpServer } from "../../../api/mcpserver.ts";
import type { RateLimit } from "../../../api/routing.ts";
import { managedByLabel, manager, serverLabel } from "../../labels.ts";
import { ownName } from "../../names.ts";
import { child, type KubeObject } from "../../object.ts";
import { headerValues } from "../header-value.ts";
import type { Limitation } from "../routes.ts";
import { methodHeader, nameHeader } from "../table.ts";
import { countedApart } from "./counted-apart.ts";
import type { Dialect } from "./dialect.ts";
import { countedBy } from "./limits.ts";
import { regexOf } from "./match.ts";
import { corsFilters, corsLimitations } from "./portable.ts";

export const envoyGatewayController = "gateway.envoyproxy.io/gatewayclass-controller";

/** LocalRateLimit.rules: at most 16. */
const mostRules = 16;
/** CircuitBreaker.maxConnections: the most that there is. */
const noLimit = 4_294_967_295;

/** RateLimitSelectCondition.headers: all must fit, so that both forms of a name are one expression. */
function headerSelector(name: string, [value = ""]: string[]) {
  const forms = name === nameHeader ? headerValues(value) : [value];
  return forms.length === 1
    ? { type: "Exact", name, value: forms[0] }
    : { type: "RegularExpression", name, value: regexOf(forms) };
}

/** What tells clients apart: in each rule, one way, as Envoy applies all of a rule's conditions at once. */
function clientSelectors({ perClient }: RateLimit): { headers?: object[]; sourceCIDR?: object }[] {
  if (perClient?.header !== undefined) {
    const name = perClient.header;
    return [
      { headers: [{ type: "Distinct", name }] },
      // Distinct passes over requests without the header: these share one budget, or leaving it out would get around the limit.
      { headers: [{ type: "RegularExpression", name, value: ".+", invert: true }] },
    ];
  }
  if (perClient?.sourceAddress)
    return ["0.0.0.0/0", "::/0"].map((value) => ({ sourceCIDR: { type: "Distinct", value } }));
  return [{}];
}

/** RateLimitRule. Without a condition it would be the route's own bucket, of which there is one only: a path is one. */
function rateLimitRules(limit: RateLimit, path: string): object[] {
  const headers = countedBy(limit).map(({ name, values }) => headerSelector(name, values));
  const paths = headers.length > 0 ? {} : { path: { type: "PathPrefix", value: path } };
  return clientSelectors(limit).map((client) => {
    const all = [...headers, ...(client.headers ?? [])];
    return {
      clientSelectors: [{ ...(all.length > 0 && { headers: all }), ...paths, ...(client.sourceCIDR && client) }],
      limit: { requests: limit.requests, unit: limit.unit },
    };
  });
}

/** The limits that fit in one policy. */
function limitsThatFit({ spec }: McpServer): { rules: object[]; left: number } {
  const each = (spec.routing?.rateLimits ?? []).map((limit) => rateLimitRules(limit, spec.path));
  const fitting = each.filter((_, index) => each.slice(0, index + 1).flat().length <= mostRules);
  return { rules: fitting.flat(), left: each.length - fitting.length };
}

/** What spans of the gateway tell of a call. The name of a tool may be encoded, and that of a task's method is the task's id. */
const spanTags = { "mcp.method.name": methodHeader, "http.request.header.mcp-name": nameHeader };

/**
 * BackendTelemetry, in place of the EnvoyProxy's for these routes, tags aside; without tracing in the EnvoyProxy it does
 * nothing. Pods keep the decision of whoever began a trace, and here that is the gateway: so it takes the same share.
 */
function telemetryOf({ spec }: McpServer): object {
  const percent = spec.telemetry?.samplingPercent;
  if (percent === undefined) return {};
  const customTags = Object.fromEntries(
    Object.entries(spanTags).map(([tag, name]) => [tag, { type: "RequestHeader", requestHeader: { name } }]),
  );
  return { telemetry: { tracing: { samplingFraction: { numerator: percent, denominator: 100 }, customTags } } };
}

function backendTrafficPolicy(server: McpServer): KubeObject {
  const { rules } = limitsThatFit(server);
  const type = { apiVersion: "gateway.envoyproxy.io/v1alpha1", kind: "BackendTrafficPolicy" };
  const { name } = server.metadata;
  return {
    ...child(server, type, ownName(name)),
    spec: {
      targetSelectors: [
        {
          group: "gateway.networking.k8s.io",
          kind: "HTTPRoute",
          matchLabels: { [managedByLabel]: manager, [serverLabel]: name },
        },
      ],
      // Retry: none when not given. Said all the same: a call may have done something, so only its client may repeat it.
      retry: { numRetries: 0 },
      timeout: {
        http: {
          // HTTPTimeout.streamIdleTimeout: the listener's when not given. The request's time-out is in the HTTPRoute.
          streamIdleTimeout: server.spec.routing?.timeouts.idle,
          // HTTPTimeout.connectionIdleTimeout, 1 h when not given: Node.js and uvicorn close idle connections after 5 s, and
          // a call sent at that moment would be lost. Connections to pods that drain go as soon.
          connectionIdleTimeout: "4s",
        },
      },
      // CircuitBreaker, 1024 each when not given: each open stream is a connection, and many of them are no sign of trouble.
      circuitBreaker: { maxConnections: noLimit, maxPendingRequests: noLimit, maxParallelRequests: noLimit },
      ...(rules.length > 0 && { rateLimit: { local: { rules } } }),
      ...telemetryOf(server),
    },
  };
}

function tooMany(server: McpServer): Limitation[] {
  const { left } = limitsThatFit(server);
  if (left === 0) return [];
  return [
    {
      field: "routing.rateLimits",
      message: `Envoy Gateway takes ${mostRules} rules for limits at most (two for each limit perClient), so the last ${left} of rateLimits don't hold: take some out.`,
    },
  ];
}

/** Annotations with this prefix are metadata of Envoy's routes, which its access log can tell. */
const prefix = "gateway.envoyproxy.io/";

export const envoyGateway: Dialect = {
  regex: true,
  rulesOf: (_, rules) => rules,
  filtersOf: (server) => {
    const filters = corsFilters(server);
    return () => filters;
  },
  annotationsOf: ({ metadata }, pool) => ({
    [`${prefix}anypod-server`]: metadata.name,
    [`${prefix}anypod-pool`]: pool,
  }),
  objectsOf: (server) => [backendTrafficPolicy(server)],
  cannot: (server, units) => [
    ...tooMany(server),
    ...countedApart(server, units, { gateway: "Envoy Gateway", byHost: true }),
    ...corsLimitations(server),
  ],
};
