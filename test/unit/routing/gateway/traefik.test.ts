// What Traefik gets beside the routes, and what the status says that it can't do.
import { describe, expect, test } from "vitest";
import {
  basket,
  limitationsOf,
  ofKind,
  type RoutingInput,
  renderedFor,
  routeRulesOf,
  specsOf,
  yaml,
} from "../../../support/routing/rendered.ts";

const kind = "Traefik";
const rateLimits: NonNullable<RoutingInput["rateLimits"]> = [
  { tool: "checkout", requests: 60 },
  { method: "tools/list", perClient: { header: "X-Api-Key" }, requests: 5, unit: "Second" },
  { perClient: { sourceAddress: true }, requests: 1000, unit: "Hour" },
];
const middlewaresOf = (routing: Partial<RoutingInput>) =>
  yaml(specsOf(renderedFor(basket(routing), kind).objects, "Middleware"));

describe("limits", () => {
  test("are Middlewares, which are there before the routes that refer to them", () => {
    const kinds = renderedFor(basket({ rateLimits }), kind).objects.map((object) => object.kind);
    expect(kinds).toEqual(["Middleware", "Middleware", "Middleware", "HTTPRoute"]);
    expect(middlewaresOf({ rateLimits })).toMatchInlineSnapshot(`
      "- rateLimit:
          average: 60
          period: 1m
          burst: 60
          sourceCriterion:
            ipStrategy:
              depth: 1000000
      - rateLimit:
          average: 5
          period: 1s
          burst: 5
          sourceCriterion:
            requestHeaderName: X-Api-Key
      - rateLimit:
          average: 1000
          period: 1h
          burst: 1000
          sourceCriterion:
            ipStrategy:
              depth: 0
      "
    `);
  });

  test("have rules of their own for the calls that they count, to where these would go anyway", () => {
    const rules = routeRulesOf(basket({ rateLimits }), kind).map(({ matches, filters = [], backendRefs }) => ({
      matches: matches.map(({ path, headers = [] }) => [path.value, ...headers.map(({ value }) => value)].join(" ")),
      filters: filters.length,
      to: backendRefs.map(({ name }) => name).join(),
    }));
    expect(yaml(rules)).toMatchInlineSnapshot(`
      "- matches:
          - /.well-known/oauth-protected-resource/mcp
        filters: 0
        to: basket
      - matches:
          - /mcp
        filters: 1
        to: basket
      - matches:
          - /mcp tools/list
        filters: 2
        to: basket
      - matches:
          - /mcp ^(checkout|=\\?base64\\?Y2hlY2tvdXQ=\\?=)$ tools/call
        filters: 2
        to: basket
      - matches:
          - /mcp subscriptions/listen
        filters: 1
        to: basket
      "
    `);
  });

  test("keep their names when another one comes before them", () => {
    const namesOf = (limits: RoutingInput["rateLimits"]) =>
      ofKind(renderedFor(basket({ rateLimits: limits }), kind).objects, "Middleware").map(
        ({ metadata }) => metadata.name,
      );
    const more = namesOf([{ tool: "new", requests: 60 }, ...rateLimits]);
    expect(more).toEqual(expect.arrayContaining(namesOf(rateLimits)));
    expect(new Set(more).size).toBe(4);
  });

  test("of the same calls may be fifteen, and the status says so", () => {
    const many = Array.from({ length: 16 }, (_, index) => ({ method: "tools/list", requests: index + 1 }));
    expect(limitationsOf(basket({ rateLimits: many.slice(1) }), kind)).toEqual([]);
    const filters = routeRulesOf(basket({ rateLimits: many }), kind).map((rule) => rule.filters?.length ?? 0);
    expect(Math.max(...filters)).toBe(15);
    expect(limitationsOf(basket({ rateLimits: many }), kind)).toMatchInlineSnapshot(`
      [
        "routing.rateLimits: A call can be counted by 15 limits at most, and the last of rateLimits don't hold: take some out.",
      ]
    `);
  });

  test("are said to be counted apart where calls come in by several matches", () => {
    const pools = [{ name: "pay", tools: ["checkout"] }];
    expect(
      limitationsOf(basket({ rateLimits: [{ method: "tools/call", requests: 1 }] }, { pools }), kind),
    ).toMatchInlineSnapshot(`
      [
        "routing.rateLimits[0]: Traefik counts at each match of a route for itself, and these calls come in by 2 of them, so that 2 times as many may pass: limit single tools, or methods that one pool takes.",
      ]
    `);
  });
});

describe("CORS", () => {
  test("is a Middleware, as Traefik knows no filter for it", () => {
    expect(
      middlewaresOf({ cors: { allowOrigins: ["https://a.example.com", "https://*.b.example.com"] } }),
    ).toMatchInlineSnapshot(`
      "- headers:
          accessControlAllowOriginList:
            - https://a.example.com
          accessControlAllowOriginListRegex:
            - ^https://[^/]+\\.b\\.example\\.com$
          accessControlAllowMethods:
            - GET
            - POST
            - DELETE
            - OPTIONS
          accessControlAllowHeaders:
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
          accessControlExposeHeaders:
            - Mcp-Session-Id
            - WWW-Authenticate
          accessControlMaxAge: 3600
          addVaryHeader: true
      "
    `);
  });

  test("repeats any page's origin where credentials go along, as browsers refuse * then", () => {
    expect(middlewaresOf({ cors: { allowOrigins: ["*"], allowCredentials: true } })).toContain("- ^.+$");
    expect(middlewaresOf({ cors: { allowOrigins: ["*"] } })).toContain("- '*'");
  });

  test("takes origins of any scheme", () => {
    expect(limitationsOf(basket({ cors: { allowOrigins: ["vscode-webview://x"] } }), kind)).toEqual([]);
  });
});

test("a name with a backquote is matched by number: Traefik writes values between backquotes", () => {
  const pools = [{ name: "odd", tools: ["a`) || Host(`b"] }];
  const text = yaml(routeRulesOf(basket({}, { pools }), kind));
  expect(text).not.toContain("`");
  expect(text).toContain("^(a\\x60\\)\\x20\\|\\|\\x20Host\\(\\x60b|");
  expect(limitationsOf(basket({}, { pools }), kind)).toEqual([]);
});

test("the status says that there are no time-outs, when they are asked for", () => {
  expect(limitationsOf(basket(), kind)).toEqual([]);
  expect(limitationsOf(basket({ timeouts: { request: "0s", idle: "0s" } }), kind)).toEqual([]);
  expect(limitationsOf(basket({ timeouts: { request: "90s", idle: "5m" } }), kind)).toMatchInlineSnapshot(`
    [
      "routing.timeouts.request: Traefik has no time-outs for a route, so calls and streams may take as long as its entry point allows: set respondingTimeouts there, and take it out here.",
      "routing.timeouts.idle: Traefik has no time-outs for a route, so calls and streams may take as long as its entry point allows: set respondingTimeouts there, and take it out here.",
    ]
  `);
});
