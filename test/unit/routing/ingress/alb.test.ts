// What an Ingress of the AWS Load Balancer Controller has that requests don't show, above all what a load balancer takes.
import { describe, expect, test } from "vitest";
import { byIngress, routesWith } from "../../../support/routing/ingress/dialects.ts";
import { albRules, takenByAlb } from "../../../support/routing/ingress/ingresses.ts";

type Spec = Parameters<typeof routesWith>[1];

const annotation = (spec: Spec, name: string) =>
  routesWith("alb", spec).objects[0]?.metadata.annotations?.[`alb.ingress.kubernetes.io/${name}`];
const fields = (spec: Spec) => routesWith("alb", spec).cannot.map(({ field }) => field);
const tools = (count: number) => Array.from({ length: count }, (_, index) => `tool-${index}`);
const call = (tool: string) => ({
  host: "mcp.example.com",
  path: "/mcp",
  headers: { "mcp-method": "tools/call", "mcp-name": tool },
});

test("is one Ingress, as each would be a load balancer of its own", () => {
  const pools = [
    { name: "a", tools: ["a"] },
    { name: "b", methods: ["tools/list"] },
  ];
  expect(routesWith("alb", { pools, ...byIngress() }).objects).toHaveLength(1);
});

describe("a table that is too large for a load balancer", () => {
  const pools = [
    { name: "a", tools: tools(90) },
    { name: "b", methods: ["tools/call"], tools: ["last-1", "last-2"] },
  ];

  test("has no more rules than it takes", () => {
    expect(albRules(routesWith("alb", { pools: [{ name: "a", tools: tools(90) }], ...byIngress() }).objects)).toBe(92);
    const most = [{ name: "a", tools: tools(100) }];
    expect(albRules(routesWith("alb", { pools: most, ...byIngress() }).objects)).toBe(100);
    const hosts = { hostnames: ["a.example.com", "b.example.com", "c.example.com"] };
    expect(albRules(routesWith("alb", { pools: most, ...byIngress(hosts) }).objects)).toBe(99);
  });

  test("tells which names don't reach their pool, and only those", () => {
    const two = { hostnames: ["mcp.example.com", "b.example.com"] };
    const { objects, cannot } = routesWith("alb", { pools, ...byIngress(two) });
    const [limitation] = cannot;
    expect(limitation?.field).toBe("pools");
    expect(limitation?.message).toContain('"tool-47"');
    expect(limitation?.message).not.toContain('"tool-46"');
    expect(limitation?.message).not.toContain("base64");
    expect(Object.keys(takenByAlb(objects, call("tool-46"))!.shares)[0]).toContain("basket-a-");
    expect(Object.keys(takenByAlb(objects, call("tool-47"))!.shares)[0]).toContain("basket-b-");
  });

  test("tells when the hosts alone are too many", () => {
    const hostnames = Array.from({ length: 16 }, (_, index) => `h${index}.example.com`);
    const many = Array.from({ length: 6 }, (_, index) => ({ name: `p${index}`, methods: [`x/${index}`] }));
    expect(fields({ pools: many, ...byIngress({ hostnames }) })).toEqual(["routing.hostnames"]);
  });
});

test("names that are longer than a condition are told", () => {
  const { cannot } = routesWith("alb", { pools: [{ name: "a", tools: ["x".repeat(100)] }], ...byIngress() });
  expect(cannot.map(({ message }) => message)).toEqual([expect.stringContaining("x".repeat(100))]);
});

test("names of which no form fits into a condition are told once, and for what they are", () => {
  const resourceUris = [`file:///${"x".repeat(200)}`];
  expect(fields({ pools: [{ name: "a", resourceUris }], ...byIngress() })).toEqual(["pools"]);
});

test("names of actions fit into names of annotations, however long the pool's name", () => {
  const pools = ["a", "b"].map((last) => ({ name: `${"p".repeat(61)}${last}`, methods: [`x/${last}`] }));
  const { objects } = routesWith("alb", { pools, ...byIngress() });
  const keys = Object.keys(objects[0]?.metadata.annotations ?? {}).filter((key) => key.includes("conditions."));
  expect(keys).toHaveLength(2);
  expect(keys.filter((key) => key.split("/")[1]!.length > 63)).toEqual([]);
});

test("silence may be as long as the spec says, and no longer than the load balancer lets it, which is told", () => {
  const idle = (value: string) => byIngress({ timeouts: { idle: value } });
  expect(annotation(idle("90s"), "load-balancer-attributes")).toBe("idle_timeout.timeout_seconds=90");
  expect(fields(idle("90s"))).toEqual([]);
  expect(annotation(idle("0s"), "load-balancer-attributes")).toBe("idle_timeout.timeout_seconds=4000");
  expect(fields(idle("0s"))).toEqual(["routing.timeouts.idle"]);
  expect(annotation(idle("2h"), "load-balancer-attributes")).toBe("idle_timeout.timeout_seconds=4000");
  expect(fields(idle("2h"))).toEqual(["routing.timeouts.idle"]);
});

test("TLS is listened for where it is asked for, and plain HTTP redirected", () => {
  const spec = byIngress({ ingress: { tls: [{}] } });
  expect(annotation(spec, "listen-ports")).toBe('[{"HTTP": 80}, {"HTTPS": 443}]');
  expect(annotation(spec, "ssl-redirect")).toBe("443");
  expect(fields(spec)).toEqual([]);
  expect(annotation(byIngress(), "listen-ports")).toBeUndefined();
});

test("a Secret for TLS, rate limits and CORS aren't kept, which is told", () => {
  const ingress = { tls: [{ secretName: "mcp-tls" }] };
  expect(fields(byIngress({ ingress, rateLimits: [{ requests: 1 }], cors: { allowOrigins: ["*"] } }))).toEqual([
    "routing.ingress.tls",
    "routing.rateLimits",
    "routing.cors",
  ]);
});

test("pods are reached straight, and live while they answer at all", () => {
  const spec = { path: "/v1/mcp", ...byIngress() };
  expect(annotation(spec, "target-type")).toBe("ip");
  expect(annotation(spec, "healthcheck-path")).toBe("/v1/mcp");
  expect(annotation(spec, "success-codes")).toBe("200-499");
});

test("the user's annotations win", () => {
  const attributes = { "alb.ingress.kubernetes.io/load-balancer-attributes": "idle_timeout.timeout_seconds=60" };
  expect(annotation(byIngress({ ingress: { annotations: attributes } }), "load-balancer-attributes")).toBe(
    "idle_timeout.timeout_seconds=60",
  );
});
