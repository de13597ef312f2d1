// Gateways that don't take a server's route, in the words of real ones: condition Routed says what is wrong and what to do,
// and what it says helps.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basket } from "../support/images.ts";
import { type GatewayWorld, gatewayWorld, type Implementation, implementations } from "./support.ts";

let world: GatewayWorld;
beforeAll(async () => {
  world = await gatewayWorld();
});
afterAll(() => world.end());

describe.each(Object.keys(implementations) as Implementation[])("%s", (by) => {
  const { gatewayClass, httpPort } = implementations[by];
  const hostname = "shop.example.com";

  /** A Gateway of this kind, with one listener that is as told. */
  const gateway = (name: string, listener: object = {}) =>
    world.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name },
      spec: {
        gatewayClassName: gatewayClass,
        listeners: [{ name: "http", protocol: "HTTP", port: httpPort, ...listener }],
      },
    });
  const serve = (name: string) =>
    world.kube.applyServer(name, {
      image: basket,
      replicas: 1,
      routing: { hostnames: [hostname], gateway: { parentRefs: [{ name }] } },
    });
  const routed = (name: string, status: "True" | "False", reason: string) =>
    world.kube.condition(name, "Routed", { status, reason }, 60);

  test("that isn't there is named, and has the route when it comes", async () => {
    const name = `absent-${gatewayClass}`;
    await serve(name);
    const { message } = await routed(name, "False", "GatewayNotFound");
    expect(message).toMatch(/^Gateway absent-.* isn't in namespace .*: create it, or correct spec.routing.gateway/);
    await gateway(name);
    await routed(name, "True", "RoutesAccepted");
  });

  test("that keeps the namespace out is told apart, and takes the route when it lets the namespace in", async () => {
    const name = `closed-${gatewayClass}`;
    const labels = { "gateway-for": name };
    await gateway(name, { allowedRoutes: { namespaces: { from: "Selector", selector: { matchLabels: labels } } } });
    await serve(name);
    const { message } = await routed(name, "False", "NotAllowedByListeners");
    expect(message).toMatch(/doesn't take this server's route: .* let this namespace in with allowedRoutes of the/);
    await world.kube.condition(name, "Ready", { status: "False", reason: "NotAllowedByListeners" });
    await gateway(name, { allowedRoutes: { namespaces: { from: "Same" } } });
    await routed(name, "True", "RoutesAccepted");
  });

  test("without a listener for the hostname is told apart, and takes the route when it has one", async () => {
    const name = `elsewhere-${gatewayClass}`;
    await gateway(name, { hostname: "*.example.org" });
    await serve(name);
    const { message } = await routed(name, "False", "NoMatchingListenerHostname");
    expect(message).toMatch(/doesn't take this server's route: .* use a hostname in spec.routing.hostnames that a/);
    await gateway(name, { hostname: "*.example.com" });
    await routed(name, "True", "RoutesAccepted");
  });
});
