// What holds for the routes of every class, and the choice between dialects.
import { describe, expect, test } from "vitest";
import { ingressRoutes } from "../../../../operator/desired/routing/ingress.ts";
import { serverOf } from "../../../support/arbitraries.ts";
import { byIngress, dialect, dialects, plain, routesWith, tableOf } from "../../../support/routing/ingress/dialects.ts";

type Spec = Parameters<typeof routesWith>[1];

const pools = [
  { name: "checkout", tools: ["checkout", "refund"] },
  { name: "catalog", tools: ["search"], prompts: ["suggest"] },
];
const all = [...dialects, plain].map(({ name }) => name);

describe.each(all)("routes of %s", (name) => {
  const texts = (spec: Spec) =>
    new Map(routesWith(name, spec).objects.map((object) => [object.metadata.name, JSON.stringify(object)]));

  test("change in one object when a tool comes, and no object comes or goes", () => {
    const [first, ...others] = pools;
    const before = texts({ pools, ...byIngress() });
    const after = texts({ pools: [{ ...first!, tools: ["a", ...first!.tools!, "z"] }, ...others], ...byIngress() });
    expect([...after.keys()]).toEqual([...before.keys()]);
    const changed = [...after].filter(([key, text]) => before.get(key) !== text);
    expect(changed).toHaveLength(name === "plain" ? 0 : 1);
  });

  test("carry the user's annotations", () => {
    const annotations = { "external-dns.alpha.kubernetes.io/ttl": "60" };
    const kinds = ["Ingress", "IngressRoute", "HTTPProxy"];
    const routes = routesWith(name, { pools, ...byIngress({ ingress: { annotations } }) }).objects;
    for (const { metadata } of routes.filter(({ kind }) => kinds.includes(kind)))
      expect(metadata.annotations).toMatchObject(annotations);
  });

  test("are of the server and its namespace", () => {
    for (const { metadata } of routesWith(name, { pools, ...byIngress() }).objects) {
      expect(metadata.namespace).toBe("shop");
      expect(metadata.labels).toMatchObject({ "anypod.dev/server": "basket" });
    }
  });

  test("have no limitation that nobody asked for", () => {
    expect(routesWith(name, byIngress()).cannot).toEqual([]);
  });

  test("need no header where all calls go to the main pool", () => {
    expect(routesWith(name, byIngress()).matchesHeaders).toBe(true);
  });
});

describe.each(["haproxy", "kong", "alb", "plain"])("certificates of %s", (name) => {
  const spec = {
    pools,
    ...byIngress({
      ingress: { tls: [{ secretName: "mcp-tls" }], annotations: { "cert-manager.io/issuer": "x", a: "b" } },
    }),
  };
  const ingresses = routesWith(name, spec).objects;

  test("are asked for by one Ingress, as cert-manager heeds one for each Secret", () => {
    const asking = ingresses.filter(({ metadata }) => metadata.annotations?.["cert-manager.io/issuer"]);
    const having = ingresses.filter((object) => "tls" in (object.spec as object));
    expect(asking.map(({ metadata }) => metadata.name)).toEqual(["basket"]);
    expect(having).toEqual(asking);
    expect(ingresses.every(({ metadata }) => metadata.annotations?.a === "b")).toBe(true);
  });

  test("are for the server's hosts unless they name others", () => {
    const own = ingresses.find(({ metadata }) => metadata.name === "basket");
    expect(own?.spec).toMatchObject({ tls: [{ hosts: ["mcp.example.com"], secretName: "mcp-tls" }] });
  });
});

describe.each(["alb", "kong"])("%s, which doesn't mind case,", (name) => {
  const told = (spec: Spec) => routesWith(name, { ...spec, ...byIngress() }).cannot.map(({ message }) => message);
  const pool = (own: string, ...names: string[]) => ({ name: own, tools: names });

  test("tells of names that differ in nothing else and are of several pools", () => {
    const [message] = told({ pools: [pool("a", "Checkout", "x"), pool("b", "checkout", "y")] });
    expect(message).toContain('"Checkout", "checkout"');
    expect(message).not.toContain('"x"');
  });

  test("has nothing to tell where they are of one pool, or of a tool and a prompt", () => {
    expect(told({ pools: [pool("a", "Checkout", "checkout")] })).toEqual([]);
    expect(told({ pools: [pool("a", "Checkout"), { name: "b", prompts: ["checkout"] }] })).toEqual([]);
  });
});

describe("a controller that can't match headers", () => {
  const fields = (spec: Spec, controller: string | undefined) => {
    const server = serverOf("basket", { image: "basket", ...spec });
    const routes = ingressRoutes(server, tableOf(server), controller);
    return { matchesHeaders: routes.matchesHeaders, fields: routes.cannot.map(({ field }) => field) };
  };

  test.each<[string, Spec]>([
    ["pools", { pools }],
    ["a legacy server", { legacy: {} }],
    ["a canary's header", { canary: { image: "basket:2", header: { name: "X-Canary", value: "yes" } } }],
  ])("says so where the server has %s", (_, spec) => {
    const told = { matchesHeaders: false, fields: ["routing.ingress.className"] };
    expect(fields({ ...spec, ...byIngress() }, "k8s.io/ingress-nginx")).toEqual(told);
    expect(fields({ ...spec, ...byIngress() }, undefined)).toEqual(told);
  });

  test("needs to match none for a canary by weight, which it can't share out either", () => {
    const canary = { image: "basket:2", weight: 10 };
    expect(fields({ canary, ...byIngress() }, "k8s.io/ingress-nginx")).toEqual({
      matchesHeaders: true,
      fields: ["canary.weight"],
    });
  });

  test("says what it sets no limit for, when somebody asked for one", () => {
    const asked = byIngress({
      timeouts: { request: "5m", idle: "0s" },
      rateLimits: [{ requests: 1 }],
      cors: { allowOrigins: ["*"] },
    });
    expect(fields(asked, undefined).fields).toEqual([
      "routing.timeouts.request",
      "routing.timeouts.idle",
      "routing.rateLimits",
      "routing.cors",
    ]);
  });
});

test("a server without spec.routing.ingress has no such routes", () => {
  const nothing = { objects: [], cannot: [], matchesHeaders: true };
  const byGateway = { routing: { gateway: { parentRefs: [{ name: "g" }] } } };
  for (const spec of [{}, byGateway]) {
    const server = serverOf("basket", { image: "basket", ...spec });
    expect(ingressRoutes(server, tableOf(server), dialect("traefik").controller)).toEqual(nothing);
  }
});
