// What Envoy Gateway gets beside the routes, and what the status says that it can't do.
import { describe, expect, test } from "vitest";
import type { McpServer, SpecInput } from "../../../../operator/api/mcpserver.ts";
import type { RouteRule } from "../../../support/routing/precedence.ts";
import {
  basket,
  limitationsOf,
  type RoutingInput,
  renderedFor,
  routeRulesOf,
  specsOf,
  yaml,
} from "../../../support/routing/rendered.ts";

const kind = "Envoy Gateway";
const pools = [{ name: "pay", tools: ["checkout"] }];
const policyOf = (server: McpServer) =>
  specsOf(renderedFor(server, kind).objects, "BackendTrafficPolicy")[0]! as {
    rateLimit?: { local: { rules: object[] } };
  };

test("the names of a pool are one match, as Envoy tries one match after the other", () => {
  const tools = ["wétter", "a.b", "plain"];
  const rules = routeRulesOf(basket({}, { pools: [{ name: "p", tools }] }), kind);
  expect(yaml(rules.at(-1)?.matches)).toMatchInlineSnapshot(`
    "- path:
        type: Exact
        value: /mcp
      headers:
        - type: RegularExpression
          name: Mcp-Name
          value: ^(a\\.b|=\\?base64\\?YS5i\\?=|plain|=\\?base64\\?cGxhaW4=\\?=|=\\?base64\\?d8OpdHRlcg==\\?=)$
        - type: Exact
          name: Mcp-Method
          value: tools/call
    "
  `);
});

test("the 100 names of a pool are a few matches, none so long that Envoy warns of it", () => {
  const tools = Array.from({ length: 100 }, (_, index) => `tool-${index}`);
  const rules = routeRulesOf(basket({}, { pools: [{ name: "p", tools }] }), kind);
  const lengths = rules.flatMap(({ matches }) => matches.flatMap(({ headers }) => headers?.at(1)?.value.length ?? []));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1000);
  expect(lengths).toHaveLength(4);
});

describe("a rule keeps its place, as Envoy Gateway names what it knows of its backends by that place,", () => {
  const placesOf = (spec: Partial<SpecInput>) =>
    (specsOf(renderedFor(basket({}, spec), kind).objects, "HTTPRoute")[0] as { rules: RouteRule[] }).rules.map(
      ({ matches, timeouts }) => [matches.map(({ path }) => path.value).join(), timeouts.request].join(" "),
    );
  const canary = { image: "basket:2", header: { name: "X-Canary", value: "yes" } };

  test.each<[string, Partial<SpecInput>]>([
    ["a canary gets some calls", { canary: { ...canary, weight: 10 } }],
    ["a canary gets all calls", { canary: { ...canary, weight: 100 } }],
    ["a legacy pool comes", { legacy: {} }],
    ["a pool comes", { pools }],
  ])("when %s", (_, spec) => {
    expect(placesOf(spec)).toEqual(["/.well-known/oauth-protected-resource/mcp 1h", "/mcp 1h", "/mcp 0s"]);
    expect(placesOf({})).toEqual(placesOf(spec));
  });

  test("when a pool takes streams, too", () => {
    const lastOf = (methods: string[]) =>
      routeRulesOf(basket({}, { pools: [{ name: "p", tools: ["a"], methods }] }), kind);
    const [before, after] = [lastOf(["tools/list"]), lastOf(["subscriptions/listen", "tools/list"])];
    expect(after.slice(2, -1)).toEqual(before.slice(3));
  });
});

test("a server's routes have one policy, which is there before them: no retries, and time for silent streams", () => {
  const { objects } = renderedFor(basket({ timeouts: { idle: "10m" } }, { pools }), kind);
  expect(objects.map((object) => object.kind)).toEqual(["BackendTrafficPolicy", "HTTPRoute", "HTTPRoute"]);
  expect(yaml(objects[0])).toMatchInlineSnapshot(`
    "apiVersion: gateway.envoyproxy.io/v1alpha1
    kind: BackendTrafficPolicy
    metadata:
      name: basket
      namespace: shop
      labels:
        app.kubernetes.io/name: basket
        app.kubernetes.io/component: mcp-server
        app.kubernetes.io/managed-by: anypod
        anypod.dev/server: basket
    spec:
      targetSelectors:
        - group: gateway.networking.k8s.io
          kind: HTTPRoute
          matchLabels:
            app.kubernetes.io/managed-by: anypod
            anypod.dev/server: basket
      retry:
        numRetries: 0
      timeout:
        http:
          streamIdleTimeout: 10m
          connectionIdleTimeout: 4s
      circuitBreaker:
        maxConnections: 4294967295
        maxPendingRequests: 4294967295
        maxParallelRequests: 4294967295
    "
  `);
});

describe("limits", () => {
  test("are by tool in both forms of its name, by method, by client, and of all calls", () => {
    const rateLimits: RoutingInput["rateLimits"] = [
      { tool: "checkout", requests: 60 },
      { tool: "wétter", requests: 1, unit: "Second" },
      { method: "tools/list", perClient: { sourceAddress: true }, requests: 5, unit: "Hour" },
      { perClient: { header: "X-Api-Key" }, requests: 1000 },
    ];
    expect(yaml(policyOf(basket({ rateLimits })).rateLimit)).toMatchInlineSnapshot(`
      "local:
        rules:
          - clientSelectors:
              - headers:
                  - type: Exact
                    name: Mcp-Method
                    value: tools/call
                  - type: RegularExpression
                    name: Mcp-Name
                    value: ^(checkout|=\\?base64\\?Y2hlY2tvdXQ=\\?=)$
            limit:
              requests: 60
              unit: Minute
          - clientSelectors:
              - headers:
                  - type: Exact
                    name: Mcp-Method
                    value: tools/call
                  - type: Exact
                    name: Mcp-Name
                    value: =?base64?d8OpdHRlcg==?=
            limit:
              requests: 1
              unit: Second
          - clientSelectors:
              - headers:
                  - type: Exact
                    name: Mcp-Method
                    value: tools/list
                sourceCIDR:
                  type: Distinct
                  value: 0.0.0.0/0
            limit:
              requests: 5
              unit: Hour
          - clientSelectors:
              - headers:
                  - type: Exact
                    name: Mcp-Method
                    value: tools/list
                sourceCIDR:
                  type: Distinct
                  value: ::/0
            limit:
              requests: 5
              unit: Hour
          - clientSelectors:
              - headers:
                  - type: Distinct
                    name: X-Api-Key
                path:
                  type: PathPrefix
                  value: /mcp
            limit:
              requests: 1000
              unit: Minute
          - clientSelectors:
              - headers:
                  - type: RegularExpression
                    name: X-Api-Key
                    value: .+
                    invert: true
                path:
                  type: PathPrefix
                  value: /mcp
            limit:
              requests: 1000
              unit: Minute
      "
    `);
  });

  test("of a tool have one match for both forms of its name, so that these are counted together", () => {
    const server = basket({ rateLimits: [{ tool: "checkout", requests: 60 }] }, { pools });
    const names = routeRulesOf(server, kind).flatMap(({ matches }) =>
      matches.flatMap(({ headers = [] }) => headers.slice(1)),
    );
    expect(yaml(names)).toMatchInlineSnapshot(`
      "- type: Exact
        name: Mcp-Method
        value: tools/call
      "
    `);
    expect(limitationsOf(server, kind)).toEqual([]);
  });

  test("are said to be counted apart where calls come in by several matches or hostnames", () => {
    expect(limitationsOf(basket({ rateLimits: [{ requests: 1 }] }), kind)).toEqual([]);
    expect(limitationsOf(basket({ rateLimits: [{ requests: 1 }] }, { pools }), kind)).toMatchInlineSnapshot(`
      [
        "routing.rateLimits[0]: Envoy Gateway counts at each match of a route and each hostname for itself, and these calls come in by 2 of them, so that 2 times as many may pass: limit single tools, or methods that one pool takes, and use one hostname.",
      ]
    `);
    const two = [...pools, { name: "ship", tools: ["send"] }];
    expect(
      limitationsOf(basket({ rateLimits: [{ method: "tools/call", requests: 1 }] }, { pools: two }), kind),
    ).toEqual([expect.stringContaining("these calls come in by 3 of them")]);
    const hostnames = ["a.example.com", "b.example.com"];
    expect(limitationsOf(basket({ hostnames, rateLimits: [{ tool: "checkout", requests: 1 }] }), kind)).toEqual([
      expect.stringContaining("these calls come in by 2 of them"),
    ]);
  });

  test("of methods and tools are counted once where one rule takes all that they are for", () => {
    const rateLimits = [
      { method: "tools/list", requests: 1 },
      { method: "subscriptions/listen", requests: 1 },
      { method: "resources/read", requests: 1 },
      { tool: "other", requests: 1 },
    ];
    const taken = [...pools, { name: "read", methods: ["resources/read"] }];
    expect(limitationsOf(basket({ rateLimits }, { pools: taken, legacy: {} }), kind)).toEqual([]);
  });

  test("fill sixteen rules at most, and the status says how many don't hold", () => {
    const perClient = { sourceAddress: true };
    const rateLimits = Array.from({ length: 10 }, (_, index) => ({ tool: `t${index}`, perClient, requests: 1 }));
    expect(policyOf(basket({ rateLimits })).rateLimit?.local.rules).toHaveLength(16);
    expect(limitationsOf(basket({ rateLimits }), kind)).toMatchInlineSnapshot(`
      [
        "routing.rateLimits: Envoy Gateway takes 16 rules for limits at most (two for each limit perClient), so the last 2 of rateLimits don't hold: take some out.",
      ]
    `);
  });
});

test("routes tell Envoy whose they are, for its access log", () => {
  const { objects } = renderedFor(basket({}, { pools }), kind);
  const routes = objects.filter((object) => object.kind === "HTTPRoute");
  expect(routes.map(({ metadata }) => metadata.annotations)).toEqual(
    ["main", "pay"].map((pool) =>
      expect.objectContaining({
        "gateway.envoyproxy.io/anypod-server": "basket",
        "gateway.envoyproxy.io/anypod-pool": pool,
      }),
    ),
  );
});

test("the share of traces that begin at the gateway is the server's, and left to the gateway when that has none", () => {
  const endpoint = { url: "http://collector:4318" };
  const policy = (telemetry: SpecInput["telemetry"]) => policyOf(basket({}, { telemetry })) as { telemetry?: object };
  expect(policy({ endpoint, samplingPercent: 10 }).telemetry).toEqual({
    tracing: {
      samplingFraction: { numerator: 10, denominator: 100 },
      customTags: {
        "mcp.method.name": { type: "RequestHeader", requestHeader: { name: "Mcp-Method" } },
        "http.request.header.mcp-name": { type: "RequestHeader", requestHeader: { name: "Mcp-Name" } },
      },
    },
  });
  expect(policy({ endpoint }).telemetry).toBeUndefined();
});
