// How a server's routes look to the API server, and what its conditions say of a gateway that doesn't take them. The gateway's
// controller is played: what real ones say is seen in test/gateways.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { isIdle } from "../../operator/desired/routing/gateway/idle.ts";
import { startKubelet } from "../chaos/kubelet.ts";
import { operatorRequests } from "../support/audit.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually, untilQuiet } from "../support/wait.ts";
import { accepted, type PlayedGateways, playedGateways, programmed, resolved } from "./gateways.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const controller = "example.com/gateway";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator;
let kubelet: { stop(): Promise<void> };
let played: PlayedGateways;
/** A GatewayClass whose controller anypod doesn't know. */
let className: string;

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig);
  kubelet = startKubelet(kube.client, kube.namespace);
  played = playedGateways(kube);
  className = await played.gatewayClass("unknown", controller);
  await played.gateway("edge", className);
  await played.gatewayIs("edge", programmed);
});
afterAll(async () => {
  await operator.stop();
  await kubelet.stop();
});

/** A server of one pod behind a Gateway. */
const behind = (gateway: string, hostname: string, more: Partial<SpecInput> = {}): SpecInput => ({
  image,
  replicas: 1,
  ...more,
  routing: { hostnames: [hostname], gateway: { parentRefs: [{ name: gateway }] }, ...more.routing },
});

const routed = (name: string, reason: string, seconds?: number) =>
  kube.condition(name, "Routed", { status: reason === "RoutesAccepted" ? "True" : "False", reason }, seconds);
const routesOf = (name: string) => kube.list("HTTPRoute", `anypod.dev/server=${name}`);
const takesCalls = ({ metadata }: AnyObject) => !isIdle(metadata.annotations);
/** The gateway accepts all routes of a server, until they take calls. */
const isRouted = async (name: string) => {
  await eventually(
    `all routes of ${name} take calls`,
    async () => {
      await played.routesAre(name, controller, accepted, resolved);
      return (await routesOf(name)).every(takesCalls);
    },
    60,
  );
  await played.routesAre(name, controller, accepted, resolved);
  await routed(name, "RoutesAccepted");
};

describe("condition Routed says", () => {
  test("that the Gateway, its class, its readiness or its answer is missing, one after the other", async () => {
    await kube.applyServer("early", behind("late", "early.example.com"));
    const { message } = await routed("early", "GatewayNotFound");
    expect(message).toMatch(
      /Gateway late isn't in namespace .*: create it, or correct spec.routing.gateway.parentRefs/,
    );
    await kube.condition("early", "Ready", { status: "False", reason: "GatewayNotFound" });

    await played.gateway("late", `later-${kube.namespace}`);
    expect((await routed("early", "GatewayClassNotFound")).message).toMatch(/create that GatewayClass by installing/);
    await played.gatewayClass("later", controller);
    expect((await routed("early", "GatewayNotReady")).message).toMatch(
      /doesn't take calls yet \(Pending\): Waiting for/,
    );
    await played.gatewayIs("late", {
      type: "Programmed",
      status: "False",
      reason: "AddressNotAssigned",
      message: "No address is free.",
    });
    const notReady = await eventually("the controller's words are told", async () => {
      const found = await routed("early", "GatewayNotReady");
      return found.message.includes("AddressNotAssigned") && found;
    });
    expect(notReady.message).toMatch(/doesn't take calls yet \(AddressNotAssigned\): No address is free/);

    await played.gatewayIs("late", programmed);
    await routed("early", "RoutePending");
    await isRouted("early");
    await kube.condition("early", "Ready", { status: "True" });
  });

  const refusals: [reason: string, says: string, hint: RegExp][] = [
    ["NotAllowedByListeners", "No listener allows it.", /let this namespace in with allowedRoutes/],
    ["NoMatchingListenerHostname", "No listener has such a hostname", /use a hostname in spec.routing.hostnames that/],
    ["NoMatchingParent", "", /correct sectionName or port/],
    ["SomethingOfItsOwn", "Not today", /see the route's status/],
  ];
  test.each(refusals)("that the Gateway refuses the route with %s, and what to do", async (reason, says, hint) => {
    const name = `refused-${reason.toLowerCase()}`;
    await kube.applyServer(name, behind("edge", `${name}.example.com`));
    await played.routesAre(name, controller, { ...accepted, status: "False", reason, message: says });
    const { message } = await routed(name, reason);
    expect(message).toMatch(/^Gateway edge doesn't take this server's route: /);
    expect(message).toContain(says);
    expect(message).toMatch(hint);
    await kube.condition(name, "Stalled", { status: "True", reason });
    await isRouted(name);
    await kube.condition(name, "Stalled", { status: "False" });
  });

  test("nothing of what another controller says of the same Gateway", async () => {
    await kube.applyServer("meddled", behind("edge", "meddled.example.com"));
    await played.routesAre("meddled", "example.org/other", {
      ...accepted,
      status: "False",
      reason: "NoMatchingParent",
    });
    await routed("meddled", "RoutePending");
    await isRouted("meddled");
  });

  test("that there is no such IngressClass, until there is", async () => {
    const ingress = { className: `web-${kube.namespace}` };
    await kube.applyServer("ingress", { image, replicas: 1, routing: { ingress, hostnames: ["in.example.com"] } });
    const { message } = await routed("ingress", "IngressClassNotFound");
    expect(message).toMatch(/There is no IngressClass web-.*: install its controller, or correct spec.routing.ingress/);
    await played.ingressClass("web", "example.com/ingress");
    await routed("ingress", "RoutesAccepted");
    await kube.condition("ingress", "Ready", { status: "True" });
    expect((await kube.server("ingress")).status?.url).toBe("http://in.example.com/mcp");
  });

  test("which kind of route isn't installed", async () => {
    const ingress = { className: await played.ingressClass("traefik", "traefik.io/ingress-controller") };
    await kube.applyServer("dialect", { image, replicas: 1, routing: { ingress } });
    await routed("dialect", "NotInstalled");
    await kube.condition("dialect", "Ready", { status: "False", reason: "ServersTransportNotInstalled" });
  });
});

describe("two servers with one hostname and path", () => {
  const spec = behind("edge", "twice.example.com");
  /** When the API server says that the object was made: in whole seconds. */
  const madeAt = async (name: string) => Date.parse((await kube.server(name)).metadata.creationTimestamp ?? "");

  test("the older has the route, the other one says so, and has it when the older goes", async () => {
    await kube.applyServer("twice-old", spec);
    await isRouted("twice-old");
    const made = await madeAt("twice-old");
    await eventually("a second has passed", () => Date.now() >= made + 1000);
    // By name it would be the first.
    await kube.applyServer("twice-a", spec);
    const { message } = await routed("twice-a", "AddressTaken");
    expect(message).toMatch(/McpServer test-.*\/twice-old, which is older, has one of these hostnames with path \/mcp/);
    await kube.condition("twice-a", "Stalled", { status: "True", reason: "AddressTaken" });
    expect(await routesOf("twice-a")).toEqual([]);
    expect(await routesOf("twice-old")).toHaveLength(1);

    await kube.remove("McpServer", "twice-old");
    await eventually("the other one has a route", async () => (await routesOf("twice-a")).length === 1, 5);
    await isRouted("twice-a");
  });

  test("a server that moves to another one's address loses its own routes; another path is no such address", async () => {
    await kube.applyServer("path-old", behind("edge", "path.example.com"));
    await isRouted("path-old");
    const made = await madeAt("path-old");
    await eventually("a second has passed", () => Date.now() >= made + 1000);
    await kube.applyServer("path-new", behind("edge", "path.example.com", { path: "/other" }));
    await isRouted("path-new");
    await kube.applyServer("path-new", behind("edge", "path.example.com"));
    await routed("path-new", "AddressTaken");
    await eventually("its route is gone", async () => (await routesOf("path-new")).length === 0);
    await kube.applyServer("path-new", behind("edge", "path.example.com", { path: "/other" }));
    await isRouted("path-new");
  });
});

describe("a GatewayClass that anypod doesn't know", () => {
  test("gets what Gateway API alone can say, and condition RoutingSupported names the rest", async () => {
    const rateLimits = [{ tool: "checkout", requests: 60 }];
    const pools = [{ name: "pay", tools: ["checkout"] }];
    await kube.applyServer("portable", behind("edge", "portable.example.com", { pools }));
    await kube.condition("portable", "RoutingSupported", { status: "True" });
    await kube.applyServer("portable", behind("edge", "portable.example.com", { pools, routing: { rateLimits } }));
    const { message } = await kube.condition("portable", "RoutingSupported", { status: "False" });
    expect(message).toMatch(/^spec.routing.rateLimits: Gateway API has no rate limits, .*Envoy Gateway and Traefik/);
    await isRouted("portable");
    const matched = JSON.stringify((await routesOf("portable")).map(({ spec }) => spec));
    expect(matched).toContain('"type":"Exact","value":"checkout"');
    expect(matched).not.toMatch(/RegularExpression|ExtensionRef/);
    await kube.condition("portable", "HeaderRouting", { status: "True" });
  });
});

describe("500 tools over 20 pools", () => {
  const tool = (pool: number, index: number) => `tool-${pool}-${index}`;
  const tools = (pool: number, count = 25) => Array.from({ length: count }, (_, index) => tool(pool, index));
  const pools = Array.from({ length: 20 }, (_, pool) => ({ name: `p${pool}`, replicas: 1, tools: tools(pool) }));
  const versions = (routes: AnyObject[]) =>
    new Map(routes.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  const toolsIn = (routes: AnyObject[]) =>
    new Set(JSON.stringify(routes.map(({ spec }) => spec)).match(/"tool-\d+-\d+"/g)).size;

  test("are in routes that the API server takes, and another tool changes one of them", async () => {
    await kube.applyServer("many", behind("edge", "many.example.com", { pools }));
    await eventually("each pool has a route", async () => (await routesOf("many")).length > pools.length, 60);
    await isRouted("many");
    await kube.condition("many", "Ready", { status: "True" }, 60);
    const routes = await routesOf("many");
    expect(toolsIn(routes)).toBe(500);
    const old = versions(routes);

    const more = pools.map((pool, index) => (index === 7 ? { ...pool, tools: tools(7, 26) } : pool));
    await kube.applyServer("many", behind("edge", "many.example.com", { pools: more }));
    const after = await eventually("the new tool is routed", async () => {
      const routes = await routesOf("many");
      return toolsIn(routes) === 501 && routes;
    });
    await quiet();
    const now = versions(await routesOf("many"));
    expect(now).toEqual(versions(after));
    const changed = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
    expect(changed).toHaveLength(1);
    expect(changed[0]).toMatch(/^many-p7-/);
  });
});

describe("a pool's route", () => {
  const server = (name: string, more: Partial<SpecInput>) =>
    kube.applyServer(name, behind("edge", `${name}.example.com`, more));
  const routeOf = async (name: string, pool: string) =>
    (await routesOf(name)).find(({ metadata }) => metadata.labels?.["anypod.dev/pool"] === pool);
  const deploymentOf = async (name: string, pool: string) =>
    (await kube.list("Deployment", `anypod.dev/server=${name},anypod.dev/pool=${pool}`))[0];
  const toolsOf = (route: AnyObject | undefined) => JSON.stringify(route?.spec).includes('"price"');
  const backendsOf = (route: AnyObject | undefined) =>
    route?.spec.rules.flatMap(({ backendRefs }: AnyObject) => backendRefs.map(({ name }: AnyObject) => name));

  test("is there with its pods, takes calls when the gateway knows both, and none some time before both go", async () => {
    const pools = [{ name: "prices", replicas: 1, tools: ["price"] }];
    await server("steps", {});
    await isRouted("steps");
    await server("steps", { pools });
    const early = await eventually("the pool has a route", () => routeOf("steps", "prices"));
    expect([takesCalls(early), toolsOf(early)]).toEqual([false, false]);
    expect(backendsOf(early)).toEqual([(await deploymentOf("steps", "prices"))?.metadata.name]);
    await isRouted("steps");
    expect(toolsOf(await routeOf("steps", "prices"))).toBe(true);

    await server("steps", {});
    const late = await eventually("the route takes no calls", async () => {
      const route = await routeOf("steps", "prices");
      return route && !takesCalls(route) && route;
    });
    expect([toolsOf(late), backendsOf(late)]).toEqual([false, backendsOf(early)]);
    expect(await deploymentOf("steps", "prices")).toBeDefined();
    await eventually("both are gone", async () => {
      const left = [await routeOf("steps", "prices"), await deploymentOf("steps", "prices")];
      return left.every((each) => each === undefined);
    });
  });

  test("takes calls again when the spec has the pool again before it is gone", async () => {
    const pools = [{ name: "prices", replicas: 1, tools: ["price"] }];
    await server("again", { pools });
    await isRouted("again");
    await server("again", {});
    await eventually("the route takes no calls", async () => {
      const route = await routeOf("again", "prices");
      return route && !takesCalls(route);
    });
    const { uid } = (await routeOf("again", "prices"))!.metadata;
    await server("again", { pools });
    await isRouted("again");
    const route = await routeOf("again", "prices");
    expect([toolsOf(route), route?.metadata.uid]).toEqual([true, uid]);
  });

  test("takes the calls of old clients before the server's own route leaves them to it", async () => {
    await server("old", {});
    await isRouted("old");
    await server("old", { legacy: {} });
    await isRouted("old");
    const writes = operatorRequests(inject("auditLog"), kube.namespace).filter(
      ({ resource, name }) => resource === "httproutes" && name.startsWith("old"),
    );
    const asksForVersion = ({ name, body }: (typeof writes)[number]) =>
      name === "old" && JSON.stringify(body).includes("MCP-Protocol-Version");
    const takesOld = ({ name, body }: (typeof writes)[number]) =>
      name !== "old" && !JSON.stringify(body).includes("anypod.dev/none");
    const [first, second] = [writes.findIndex(takesOld), writes.findIndex(asksForVersion)];
    expect(first).toBeGreaterThan(-1);
    expect(second).toBeGreaterThan(first);
  });
});

/** The operator's, as the played controller's are of another kind. */
const requests = () =>
  operatorRequests(inject("auditLog"), kube.namespace).filter(
    ({ resource, subresource }) => resource !== "gateways" && !(resource === "httproutes" && subresource === "status"),
  );

const quiet = () => untilQuiet(() => requests().length);

test("a routed server that is settled costs no write, whatever a controller repeats", async () => {
  await kube.applyServer("settled", behind("edge", "settled.example.com", { pools: [{ name: "a", tools: ["x"] }] }));
  await kube.condition("settled", "Available", { status: "True" });
  await eventually("both routes are there", async () => (await routesOf("settled")).length === 2);
  await isRouted("settled");
  await kube.condition("settled", "Ready", { status: "True" });
  await quiet();
  const before = requests();
  for (let round = 0; round < 3; round += 1) {
    await played.routesAre("settled", controller, accepted, resolved);
    await played.gatewayIs("edge", programmed);
  }
  await quiet();
  expect(requests().slice(before.length)).toEqual([]);
});

describe("status.url", () => {
  const https = { protocol: "HTTPS", port: 443, tls: { certificateRefs: [{ name: "cert" }] } };
  const http = { name: "a", protocol: "HTTP", port: 80 };
  const cases = [
    { what: "HTTP", listeners: [http], url: "http://HOST/mcp" },
    { what: "HTTPS before HTTP", listeners: [http, { name: "b", ...https }], url: "https://HOST/mcp" },
    { what: "a port of its own", listeners: [{ ...http, port: 8000 }], url: "http://HOST:8000/mcp" },
    { what: "the path", listeners: [{ ...https, name: "a", port: 8443 }], path: "/x", url: "https://HOST:8443/x" },
  ].map((each, index) => ({ ...each, name: `url-${index}` }));
  test.each(cases)("tells $what of the listener", async ({ name, listeners, path, url }) => {
    const host = `${name}.example.com`;
    await played.gateway(name, className, listeners);
    await played.gatewayIs(name, programmed);
    await kube.applyServer(name, behind(name, host, path === undefined ? {} : { path }));
    await isRouted(name);
    await kube.condition(name, "Ready", { status: "True" });
    expect((await kube.server(name)).status?.url).toBe(url.replace("HOST", host));
  });

  test("tells the listener's hostname, or else the Gateway's address, to a server without hostnames", async () => {
    const spec: SpecInput = { image, replicas: 1, routing: { gateway: { parentRefs: [{ name: "named" }] } } };
    await played.gateway("named", className, [{ ...http, hostname: "mcp.example.com" }]);
    await played.gatewayIs("named", programmed, [{ type: "IPAddress", value: "192.0.2.7" }]);
    await kube.applyServer("nameless", spec);
    await isRouted("nameless");
    const url = (expected: string) =>
      eventually(`the URL is ${expected}`, async () => (await kube.server("nameless")).status?.url === expected);
    await url("http://mcp.example.com/mcp");
    await played.gateway("named", className, [{ ...http, hostname: "*.example.com" }]);
    await url("http://192.0.2.7/mcp");
  });
});
