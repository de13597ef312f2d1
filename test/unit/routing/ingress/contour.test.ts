// What HTTPProxies have that requests don't show: certificates, time, and what Contour can't do.
import { describe, expect, test } from "vitest";
import { ingressRoutes } from "../../../../operator/desired/routing/ingress.ts";
import { serverOf } from "../../../support/arbitraries.ts";
import { contourRoute } from "../../../support/routing/ingress/contour.ts";
import { byIngress, routesWith, tableOf } from "../../../support/routing/ingress/dialects.ts";

// biome-ignore lint/suspicious/noExplicitAny: looks into objects of every kind
type Any = any;
type Spec = Parameters<typeof routesWith>[1];

const hostsOf = (spec: Spec): Any[] =>
  routesWith("contour", spec).objects.flatMap(({ spec: { virtualhost } }: Any) => virtualhost ?? []);
const fields = (spec: Spec) => routesWith("contour", spec).cannot.map(({ field }) => field);

test("is chosen for every class of the project's domain, as Contour itself looks at the class's name only", () => {
  const server = serverOf("basket", { image: "basket", ...byIngress() });
  const kinds = (controller: string) =>
    ingressRoutes(server, tableOf(server), controller).objects.map(({ kind }) => kind);
  expect(kinds("projectcontour.io/contour")).toEqual(["HTTPProxy", "HTTPProxy"]);
  expect(kinds("example.com/projectcontour.io/contour")).toEqual(["Ingress"]);
});

test("has one object with the routes, whatever the number of hosts, and one a host", () => {
  const { objects } = routesWith("contour", byIngress({ hostnames: ["a.b-c", "a-b.c", "*.b-c"] }));
  expect(objects.map(({ metadata, spec }: Any) => [metadata.name === "basket", spec.virtualhost?.fqdn])).toEqual([
    [true, undefined],
    [false, "a.b-c"],
    [false, "a-b.c"],
    [false, "*.b-c"],
  ]);
  expect(new Set(objects.map(({ metadata }) => metadata.name)).size).toBe(4);
});

describe("time limits", () => {
  const policy = (method: string, timeouts: object) => {
    const { objects } = routesWith("contour", byIngress({ timeouts }));
    const request = { host: "mcp.example.com", path: "/mcp", headers: { "mcp-method": method } };
    return contourRoute(objects, request)?.timeoutPolicy;
  };

  test("are those of the spec, in seconds", () => {
    expect(policy("tools/call", { request: "1h30m", idle: "90s" })).toEqual({ response: "5400s", idle: "90s" });
  });

  test("of 0 seconds are infinite", () => {
    expect(policy("tools/call", { request: "0s", idle: "0s" })).toEqual({ response: "infinity", idle: "infinity" });
  });

  test("let streams go on until the client leaves", () => {
    expect(policy("subscriptions/listen", { request: "5m" })).toEqual({ response: "infinity", idle: "3600s" });
  });
});

describe("certificates", () => {
  const spec = (...tls: object[]) => byIngress({ hostnames: ["a.example.com", "b.example.com"], ingress: { tls } });

  test("are those of the host", () => {
    expect(hostsOf(spec({ hosts: ["b.example.com"], secretName: "b" })).map(({ tls }) => tls)).toEqual([
      undefined,
      { secretName: "b" },
    ]);
  });

  test("without a Secret leave the host without a route rather than without TLS", () => {
    const half = spec({ hosts: ["b.example.com"] });
    expect(hostsOf(half).map(({ fqdn }) => fqdn)).toEqual(["a.example.com"]);
    expect(fields(half)).toEqual(["routing.ingress.tls"]);
  });
});

describe("rate limits", () => {
  const limits = (...rateLimits: object[]) =>
    byIngress({ rateLimits: rateLimits.map((each) => ({ requests: 5, ...each })) });

  test("of all calls are the host's, once for all routes", () => {
    expect(hostsOf(limits({}))[0].rateLimitPolicy).toEqual({ local: { requests: 5, unit: "minute" } });
    expect(fields(limits({}))).toEqual([]);
  });

  test("of each client aren't kept, which is told", () => {
    expect(hostsOf(limits({ perClient: { sourceAddress: true } }))[0]).not.toHaveProperty("rateLimitPolicy");
    expect(fields(limits({ perClient: { sourceAddress: true } }))).toEqual(["routing.rateLimits"]);
  });

  test("that a call doesn't count for are told", () => {
    expect(fields(limits({}, { tool: "checkout" }))).toEqual(["routing.rateLimits"]);
    expect(fields(limits({ tool: "checkout" }))).toEqual([]);
  });
});

test("can't do without hostnames: then all calls go to the main pool", () => {
  const { hostnames: _, ...routing } = byIngress().routing;
  const routes = routesWith("contour", { pools: [{ name: "a", tools: ["a"] }], routing });
  expect(routes.objects.map(({ kind }) => kind)).toEqual(["Ingress"]);
  expect(routes.matchesHeaders).toBe(false);
  expect(routes.cannot.map(({ field }) => field)).toEqual(["routing.hostnames"]);
});
