// Routes for any gateway, and what the status says that Gateway API alone can't do.
import { describe, expect, test } from "vitest";
import { routes } from "../../../../operator/desired/routing/index.ts";
import { serverOf } from "../../../support/arbitraries.ts";
import {
  allPools,
  basket,
  limitationsOf,
  renderedFor,
  routeRulesOf,
  specsOf,
  yaml,
} from "../../../support/routing/rendered.ts";

const kind = "any gateway";
const cors = { allowOrigins: ["https://app.example.com"] };

test("a server without spec.routing has no routes", () => {
  const none = { objects: [], cannot: [], matchesHeaders: true };
  const world = { takesCalls: new Set(["main"]), isKnown: () => true, controllers: [] };
  expect(routes(serverOf("basket", { image: "basket" }), world)).toEqual(none);
});

describe("a route", () => {
  test("is the same for a gateway that nothing is known of and one that anypod doesn't know", () => {
    const server = basket({ cors });
    const world = { takesCalls: allPools(server), isKnown: () => true, controllers: ["example.com/other"] };
    expect(routes(server, world)).toEqual(renderedFor(server, kind));
  });

  test("of the smallest server has a rule for streams and one for everything else", () => {
    expect(limitationsOf(basket(), kind)).toEqual([]);
    expect(yaml(renderedFor(basket(), kind).objects)).toMatchInlineSnapshot(`
      "- apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata:
          name: basket
          namespace: shop
          labels:
            app.kubernetes.io/name: basket
            app.kubernetes.io/component: mcp-server
            app.kubernetes.io/managed-by: anypod
            anypod.dev/server: basket
        spec:
          parentRefs:
            - group: gateway.networking.k8s.io
              kind: Gateway
              name: public
          rules:
            - matches:
                - path:
                    type: Exact
                    value: /.well-known/oauth-protected-resource/mcp
              backendRefs:
                - group: ''
                  kind: Service
                  name: basket
                  port: 80
                  weight: 100
              timeouts:
                request: 1h
            - matches:
                - path:
                    type: Exact
                    value: /mcp
              backendRefs:
                - group: ''
                  kind: Service
                  name: basket
                  port: 80
                  weight: 100
              timeouts:
                request: 1h
            - matches:
                - path:
                    type: Exact
                    value: /mcp
                  headers:
                    - type: Exact
                      name: Mcp-Method
                      value: subscriptions/listen
              backendRefs:
                - group: ''
                  kind: Service
                  name: basket
                  port: 80
                  weight: 100
              timeouts:
                request: 0s
      "
    `);
  });

  test("keeps what the user says of parents, and fills in what they leave out", () => {
    const parent = { group: "g", kind: "ListenerSet", name: "n", namespace: "ns", sectionName: "https", port: 443 };
    const server = basket({ gateway: { parentRefs: [parent, { name: "n" }] }, hostnames: ["a.example.com"] });
    expect(specsOf(renderedFor(server, kind).objects, "HTTPRoute")).toMatchObject([
      {
        parentRefs: [parent, { group: "gateway.networking.k8s.io", kind: "Gateway", name: "n" }],
        hostnames: ["a.example.com"],
      },
    ]);
  });

  test("for web pages has a filter on every rule, with all headers of MCP", () => {
    const filters = routeRulesOf(basket({ cors }), kind).map((rule) => rule.filters);
    expect(filters).toEqual(filters.map(() => filters[0]));
    expect(yaml(filters[0])).toMatchInlineSnapshot(`
      "- type: CORS
        cors:
          allowOrigins:
            - https://app.example.com
          allowMethods:
            - GET
            - POST
            - DELETE
            - OPTIONS
          allowHeaders:
            - Content-Type
            - Accept
            - Authorization
            - MCP-Protocol-Version
            - Mcp-Method
            - Mcp-Name
            - Mcp-Session-Id
            - Last-Event-ID
            - traceparent
            - tracestate
            - baggage
          exposeHeaders:
            - Mcp-Session-Id
            - WWW-Authenticate
          maxAge: 3600
      "
    `);
  });
});

describe("web pages' headers", () => {
  const allowed = (allowHeaders: string[]) =>
    (
      routeRulesOf(basket({ cors: { ...cors, allowHeaders } }), kind)[0]!.filters![0]!.cors as {
        allowHeaders: string[];
      }
    ).allowHeaders;

  test("are each there once, whatever the case in which users write them", () => {
    const all = allowed(["ACCEPT", "Mcp-Param-Region", "x-team", "X-Team"]);
    expect(all.slice(-2)).toEqual(["Mcp-Param-Region", "x-team"]);
    expect(new Set(all.map((name) => name.toLowerCase())).size).toBe(all.length);
  });

  test("are all when one is *, which may not have others beside it", () => {
    expect(allowed(["X-A", "*"])).toEqual(["*"]);
  });
});

describe("origins", () => {
  const with_ = (allowOrigins: string[]) => basket({ cors: { allowOrigins } });
  const filterOf = (allowOrigins: string[]) => routeRulesOf(with_(allowOrigins), kind)[0]!.filters?.[0]?.cors;

  test("are all when one is *, which may not have others beside it", () => {
    expect(filterOf(["https://a.example.com", "*"])).toMatchObject({ allowOrigins: ["*"] });
  });

  test("of other schemes than the web's are left out, and named", () => {
    const origins = ["https://a.example.com", "vscode-webview://x"];
    expect(filterOf(origins)).toMatchObject({ allowOrigins: ["https://a.example.com"] });
    expect(limitationsOf(with_(origins), kind)).toMatchInlineSnapshot(`
      [
        "routing.cors.allowOrigins: Gateway API allows origins of http and https only, so vscode-webview://x may not call: take it out.",
      ]
    `);
  });

  test("of other schemes alone make no filter: an empty one could let all in", () => {
    expect(filterOf(["vscode-webview://x"])).toBeUndefined();
  });
});

describe("what the status says that can't be done", () => {
  test("is nothing, unless it was asked for", () => {
    expect(limitationsOf(basket({ cors, timeouts: { idle: "60m" } }), kind)).toEqual([]);
  });

  test("is limits and a time-out for silence", () => {
    const server = basket({ rateLimits: [{ requests: 1 }], timeouts: { idle: "5m" } });
    expect(limitationsOf(server, kind)).toMatchInlineSnapshot(`
      [
        "routing.rateLimits: Gateway API has no rate limits, and anypod knows only those of Envoy Gateway and Traefik: use one of them, or set limits in the gateway's own way and take these out.",
        "routing.timeouts.idle: Gateway API has no time-out for silent streams, and anypod knows only that of Envoy Gateway: set it in the gateway's own way and take it out here.",
      ]
    `);
  });

  test("is names that not every gateway can match, and the routes do without them", () => {
    const pools = [{ name: "odd", tools: ["two  blanks", "fine", "back`quote"] }];
    expect(limitationsOf(basket({}, { pools }), kind)).toMatchInlineSnapshot(`
      [
        "pools: Names with two blanks in a row or a backquote can't be matched on every gateway: calls of 'two  blanks', 'back\`quote' go to the main pool unless the client encodes the name, so use other names.",
      ]
    `);
    expect(limitationsOf(basket({}, { pools }), "Envoy Gateway")).toEqual([]);
    const text = yaml(routeRulesOf(basket({}, { pools }), kind));
    expect(text).toContain("value: fine");
    expect(text).not.toMatch(/two {2}blanks|back`quote/);
  });

  test("of several kinds of gateways is what one of them can't, and all share what all understand", () => {
    const server = basket({ cors, rateLimits: [{ requests: 1 }] });
    const { objects, cannot } = renderedFor(server, "gateways of several kinds");
    expect(objects.map((object) => object.kind)).toEqual(["BackendTrafficPolicy", "HTTPRoute"]);
    expect(routeRulesOf(server, "gateways of several kinds").some(({ filters }) => filters)).toBe(false);
    expect(cannot.map(({ field }) => field)).toEqual(["routing.rateLimits", "routing.cors"]);
  });
});
