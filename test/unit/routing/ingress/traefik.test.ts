// What IngressRoutes have that requests don't show: order among servers, certificates, limits, time.
import { describe, expect, test } from "vitest";
import { byIngress, routesWith } from "../../../support/routing/ingress/dialects.ts";

// biome-ignore lint/suspicious/noExplicitAny: looks into objects of every kind
type Any = any;
type Spec = Parameters<typeof routesWith>[1];

const ofKind = (spec: Spec, kind: string): Any[] =>
  routesWith("traefik", spec).objects.filter((object) => object.kind === kind);
const routesOf = (spec: Spec): Any[] => ofKind(spec, "IngressRoute").flatMap((object) => object.spec.routes);
const priorities = (spec: Spec) => routesOf(spec).map(({ priority }) => priority);
const lowest = (spec: Spec) => Math.min(...priorities(spec));
const highest = (spec: Spec) => Math.max(...priorities(spec));
const pools = [{ name: "checkout", tools: ["checkout"] }];

describe("routes of several servers with one path", () => {
  test("go by host before headers: a host, then a wildcard, the longer first, then any host", () => {
    const on = (...hostnames: string[]) => ({ pools, ...byIngress({ hostnames }) });
    const { hostnames: _, ...anywhere } = byIngress().routing;
    expect(lowest(on("a.b.example.com"))).toBeGreaterThan(highest(on("*.b.example.com")));
    expect(lowest(on("*.b.example.com"))).toBeGreaterThan(highest(on("*.example.com")));
    expect(lowest(on("*.example.com"))).toBeGreaterThan(highest({ pools, routing: anywhere }));
  });

  test("go before routes whose priority is the length of their rule", () => {
    const { hostnames: _, ...anywhere } = byIngress().routing;
    expect(lowest({ routing: anywhere })).toBeGreaterThan(10_000);
  });

  test("of one server with hosts of both kinds stand apart", () => {
    const mixed = routesOf(byIngress({ hostnames: ["a.example.com", "*.example.com", "b.example.com"] }));
    const hosts = mixed.map(({ match }) => match.split(" && ")[0]);
    expect([...new Set(hosts)]).toEqual([
      "(Host(`a.example.com`) || Host(`b.example.com`))",
      "HostRegexp(`^[a-zA-Z0-9-]+\\.example\\.com$`)",
    ]);
  });
});

describe("certificates", () => {
  const tls = (...entries: { hosts?: string[]; secretName?: string }[]) =>
    ofKind(byIngress({ hostnames: ["a.example.com", "b.example.com"], ingress: { tls: entries } }), "IngressRoute");

  test("are for all hosts unless they name some", () => {
    expect(tls({ secretName: "all" }).map(({ spec }) => spec.tls)).toEqual([{ secretName: "all" }]);
  });

  test("of several Secrets have a route each, and hosts without one have another", () => {
    const routes = tls({ hosts: ["b.example.com"], secretName: "b" });
    expect(routes.map(({ spec }) => [spec.routes[0].match.split(" && ")[0], spec.tls])).toEqual([
      ["Host(`a.example.com`)", undefined],
      ["Host(`b.example.com`)", { secretName: "b" }],
    ]);
  });

  test("of a wildcard are for the hosts right below it", () => {
    expect(tls({ hosts: ["*.example.com"], secretName: "w" }).map(({ spec }) => spec.tls)).toEqual([
      { secretName: "w" },
    ]);
    expect(tls({ hosts: ["*.com"], secretName: "w" }).map(({ spec }) => spec.tls)).toEqual([undefined]);
  });

  test("without a Secret are Traefik's own", () => {
    expect(tls({}).map(({ spec }) => spec.tls)).toEqual([{}]);
  });
});

describe("annotations", () => {
  const annotations = (own?: Record<string, string>) =>
    ofKind(byIngress({ ingress: own ? { annotations: own } : {} }), "IngressRoute")[0].metadata.annotations;

  test("name the class, so that no other Traefik takes the route", () => {
    expect(annotations()).toEqual({ "kubernetes.io/ingress.class": "web" });
  });

  test("of the user win", () => {
    expect(annotations({ "kubernetes.io/ingress.class": "", a: "b" })).toEqual({
      "kubernetes.io/ingress.class": "",
      a: "b",
    });
  });

  test("for cert-manager do nothing on an IngressRoute, which is said", () => {
    const { cannot } = routesWith(
      "traefik",
      byIngress({ ingress: { annotations: { "cert-manager.io/issuer": "x" } } }),
    );
    expect(cannot.map(({ field }) => field)).toEqual(["routing.ingress.annotations"]);
  });
});

describe("time limits", () => {
  const limits = (timeouts: object) => ofKind(byIngress({ timeouts }), "ServersTransport").map(({ spec }) => spec);
  const fields = (timeouts: object) => routesWith("traefik", byIngress({ timeouts })).cannot.map(({ field }) => field);

  test("are the shorter of both for an answer's first byte", () => {
    const forwardingTimeouts = { responseHeaderTimeout: "90s", idleConnTimeout: "4s" };
    expect(limits({ request: "90s", idle: "5m" })).toEqual([{ maxIdleConnsPerHost: 200, forwardingTimeouts }]);
    expect(limits({ request: "0s", idle: "90s" })).toEqual([{ maxIdleConnsPerHost: 200, forwardingTimeouts }]);
  });

  test("aren't set when there are none", () => {
    const forwardingTimeouts = { idleConnTimeout: "4s" };
    expect(limits({ request: "0s", idle: "0s" })).toEqual([{ maxIdleConnsPerHost: 200, forwardingTimeouts }]);
  });

  test("of idle connections are below those of common servers, so that no call meets a connection that closes", () => {
    const [{ metadata, spec }] = ofKind(byIngress({}), "ServersTransport");
    expect(spec.forwardingTimeouts.idleConnTimeout).toBe("4s");
    expect(routesOf(byIngress({}))[0].services[0]).toMatchObject({ serversTransport: metadata.name });
  });

  test("that the user wrote and Traefik can't keep for streams are told; neither the defaults nor no limit are", () => {
    expect(fields({ request: "5m", idle: "1m" })).toEqual(["routing.timeouts.request", "routing.timeouts.idle"]);
    expect(fields({})).toEqual([]);
    expect(fields({ request: "0s", idle: "0s" })).toEqual([]);
  });
});

describe("rate limits", () => {
  const criteria = (...perClient: object[]) =>
    ofKind(byIngress({ rateLimits: perClient.map((each) => ({ requests: 60, ...each })) }), "Middleware").map(
      ({ spec }) => spec.rateLimit.sourceCriterion,
    );

  test("tell clients apart by header, by address, or not at all", () => {
    const found = criteria({ perClient: { header: "X-Api-Key" } }, { perClient: { sourceAddress: true } }, {});
    expect(found).toEqual([
      { requestHeaderName: "X-Api-Key" },
      { ipStrategy: {} },
      { ipStrategy: { depth: 1_000_000 } },
    ]);
  });

  test("let through as many at once as in all their time, and no more", () => {
    const [{ spec }] = ofKind(byIngress({ rateLimits: [{ requests: 60, unit: "Hour" }] }), "Middleware");
    expect(spec.rateLimit).toMatchObject({ average: 60, period: "1h", burst: 60 });
  });

  test("that several routes count are told, and those that one route counts aren't", () => {
    const fields = (rateLimit: object) =>
      routesWith("traefik", { pools, ...byIngress({ rateLimits: [{ requests: 60, ...rateLimit }] }) }).cannot;
    expect(fields({ tool: "checkout" })).toEqual([]);
    expect(fields({ method: "tools/call" }).map(({ field }) => field)).toEqual(["routing.rateLimits"]);
  });

  test("that are written twice are one", () => {
    expect(ofKind(byIngress({ rateLimits: [{ requests: 60 }, { requests: 60 }] }), "Middleware")).toHaveLength(1);
  });

  test("come after CORS, so that web pages can read why they are refused", () => {
    const both = byIngress({ cors: { allowOrigins: ["*"] }, rateLimits: [{ requests: 60 }] });
    const names = routesOf(both)[0].middlewares.map(({ name }: Any) => name);
    expect(names).toEqual([expect.stringContaining("-cors-"), expect.stringContaining("-rate-limit-")]);
  });
});

describe("CORS", () => {
  const headers = (allowOrigins: string[], allowCredentials = false) =>
    ofKind(byIngress({ cors: { allowOrigins, allowCredentials } }), "Middleware")[0].spec.headers;

  test("for all pages is a star, but their own origin where they send credentials", () => {
    expect(headers(["*"]).accessControlAllowOriginList).toEqual(["*"]);
    expect(headers(["*"], true)).not.toHaveProperty("accessControlAllowOriginList");
    expect(headers(["*"], true).accessControlAllowOriginListRegex).toEqual([".*"]);
  });

  test.each([
    ["https://*.example.com", "https://app.example.com", true],
    ["https://*.example.com", "https://a.b.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "https://app.example.com.evil.org", false],
    ["https://*.example.com", "https://appXexample.com", false],
    ["https://*.example.com", "https://app.example.com:8443", false],
    ["https://*:8443", "https://app.example.com:8443", true],
    ["https://*", "https://evil.org:8443", false],
  ])("with %s lets %s in: %s", (allowed, origin, isIn) => {
    const [regex] = headers([allowed]).accessControlAllowOriginListRegex;
    expect(new RegExp(regex).test(origin)).toBe(isIn);
  });
});
