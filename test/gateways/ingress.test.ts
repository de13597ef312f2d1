// Each call reaches its pool through an ingress controller that can match headers, and the main pool through any other.
import { afterAll, beforeAll, expect, test } from "vitest";
import { traefik } from "../cluster/addons/traefik.ts";
import { eventually } from "../support/wait.ts";
import {
  astray,
  cancelled,
  checkOutTooOften,
  namedTools,
  type Routed,
  routedServer,
  specOf,
  storeObjects,
  traefikReloads,
} from "./routed.ts";
import { type GatewayWorld, gatewayWorld } from "./support.ts";
import { base64Name, message, toolCall } from "./wire.ts";

const unknownClass = {
  apiVersion: "networking.k8s.io/v1",
  kind: "IngressClass",
  metadata: { name: "unknown" },
  spec: { controller: "example.com/unknown" },
};

let world: GatewayWorld;
let server: Routed;
beforeAll(async () => {
  world = await gatewayWorld();
  await world.apply(...storeObjects, unknownClass);
  const spec = specOf("ingressroute.example.com", { ingress: { className: traefik.ingressClass } });
  server = await routedServer(world, { name: "ingressroute", spec, via: await world.ingressAddress() });
});
afterAll(async () => {
  await world.kube.client.json({ method: "DELETE", path: "/apis/networking.k8s.io/v1/ingressclasses/unknown" });
  await world.end();
});

const isCondition = (name: string, type: string, status: "True" | "False") =>
  world.kube.condition(name, type, { status });

test("Traefik takes random requests by an IngressRoute where the spec says", async () => {
  const seed = Date.now() % 2 ** 31;
  expect(await astray(world, server, seed), `seed ${seed}`).toEqual([]);
});

test("the official client finds each tool by an IngressRoute, and may send an encoded name", async () => {
  const steps = ["unpooled", ...namedTools].map((name) => ({ method: "tools/call", params: { name } }));
  const [discovered, ...calls] = await world.driver.walk({ url: server.url, via: server.via, steps });
  expect(server.pool(discovered!)).toBe("main");
  expect(calls.map((each) => server.pool(each))).toEqual(["main", ...namedTools.map(() => "named")]);
  for (const name of namedTools) {
    const answer = await server.send(toolCall(server.url, name, {}, { "Mcp-Name": base64Name(name) }));
    expect(server.pool(answer), name).toBe("named");
  }
});

test("clients of both protocols are served under one hostname by an IngressRoute", async () => {
  const { url, via } = server;
  const count = { method: "tools/call", params: { name: "count" } };
  const old = await world.driver.walk({ url, via, era: "legacy", steps: [count, count] });
  expect(old.map((each) => server.pool(each))).toEqual(old.map(() => "legacy"));
  expect(await server.send(cancelled(url, { "Mcp-Method": undefined }))).toMatchObject({ status: 202 });
});

test("an IngressRoute has the limit of calls of a tool", { timeout: 180_000 }, async () => {
  const { pools, most } = await checkOutTooOften(world, server, () => traefikReloads(world));
  expect(pools.length).toBeGreaterThanOrEqual(60);
  expect(pools.length).toBeLessThanOrEqual(most);
  expect(await server.send(message(server.url, "tools/list"))).toMatchObject({ status: 200 });
});

test("the status of a server with an IngressRoute says that all is in force, and where it is", async () => {
  await isCondition(server.name, "Routed", "True");
  await isCondition(server.name, "HeaderRouting", "True");
  expect((await world.kube.server(server.name)).status?.url).toBe(server.url);
  expect(await server.send(message(server.url, "server/discover"))).toMatchObject({ status: 200 });
});

test("by a class that anypod doesn't know, the main pool takes every call, and the status says so", async () => {
  const spec = specOf("plain.example.com", { ingress: { className: "unknown" } });
  await world.kube.applyServer("plain", spec);
  const pods = await world.pods("plain", 4);
  await isCondition("plain", "HeaderRouting", "False");
  const { message: lacks } = await isCondition("plain", "RoutingSupported", "False");
  expect(lacks).toMatch(/example.com\/unknown/);

  const [ingress] = await world.kube.list("Ingress", "anypod.dev/server=plain");
  expect(ingress?.spec.ingressClassName).toBe("unknown");
  // Traefik stands in for the unknown controller.
  await world.apply({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "stand-in" },
    spec: { ...ingress?.spec, ingressClassName: traefik.ingressClass },
  });
  const main = pods.find(({ metadata }) => metadata.labels?.["anypod.dev/pool"] === "main")!;
  const url = "http://plain.example.com/mcp";
  for (const request of [message(url, "tools/list"), toolCall(url, "price", {}), toolCall(url, "nobody", {})])
    await eventually("the main pool answers", async () => {
      const { headers } = await world.driver.send({ ...request, via: server.via });
      return headers["x-pod"] === main.metadata.name;
    });
});
