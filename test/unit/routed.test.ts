// What the status says of a server's way out, from what gateways report.
import { describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import { computeStatus } from "../../operator/status/index.ts";
import type { DeploymentState, GatewayState, ParentState, RouteState } from "../../operator/status/observed.ts";
import type { RoutingEvidence } from "../../operator/status/routed.ts";
import { serverOf } from "../support/arbitraries.ts";

const controller = "example.com/gateway";
const programmed = { type: "Programmed", status: "True", reason: "Programmed", message: "" };
const listener = { name: "http", port: 80, protocol: "HTTP" };
const gateway: GatewayState = { listeners: [listener], address: "192.0.2.7", programmed };
const edge = { namespace: "infra", name: "edge", className: "public", controller, state: gateway, inSight: true };
const yes = (type: string) => ({ type, status: "True", reason: type, message: "", observedGeneration: 2 });
const parent: ParentState = {
  parentRef: { name: "edge", namespace: "infra" },
  controllerName: controller,
  conditions: [yes("Accepted"), yes("ResolvedRefs")],
};
const accepted: RouteState = { generation: 2, parents: [parent] };
const running: DeploymentState = {
  desired: 2,
  ownsReplicas: false,
  current: true,
  replicas: 2,
  updated: 2,
  ready: 2,
  available: 2,
  configHash: "hash",
  deadlineExceeded: false,
  replicaFailure: undefined,
};
const toEdge = { parentRefs: [{ name: "edge", namespace: "infra" }] };
const byGateway: SpecInput["routing"] = { hostnames: ["mcp.example.com"], gateway: toEdge };

interface Case {
  routing?: SpecInput["routing"];
  evidence?: Partial<RoutingEvidence>;
  pods?: Partial<DeploymentState>;
}

function status({ routing = byGateway, evidence = {}, pods = {} }: Case = {}) {
  const server = serverOf("basket", { image: "basket", routing }, "uid");
  const pools = poolsOf(server);
  return computeStatus({
    server: { metadata: server.metadata, spec: server.spec, problems: [], status: {} },
    pools,
    obstacles: [],
    missing: [],
    podProblems: [],
    deployments: new Map(pools.map(({ objectName }) => [objectName, { ...running, ...pods }])),
    routing: {
      cannot: [],
      matchesHeaders: true,
      beingTold: [],
      routes: new Map([["basket", accepted]]),
      gateways: [edge],
      classesInSight: { gateway: true, ingress: true },
      ...evidence,
    },
    now: "2026-01-02T03:04:05Z",
  });
}
const condition = (type: string, given?: Case) => status(given).conditions?.find((each) => each.type === type);
const routed = (evidence: Partial<RoutingEvidence>) => condition("Routed", { evidence });
const against = (reason: string, type = "Accepted") =>
  routed({
    routes: new Map([
      [
        "basket",
        {
          ...accepted,
          parents: [{ ...parent, conditions: [{ ...yes(type), status: "False", reason, message: "No." }] }],
        },
      ],
    ]),
  });
const withState = (change: Partial<GatewayState>) => ({ ...edge, state: { ...gateway, ...change } });

test("a server whose routes are accepted and whose pods answer is Routed and Ready, and says where", () => {
  expect(condition("Routed")).toMatchObject({ status: "True", reason: "RoutesAccepted" });
  expect(condition("Ready")).toMatchObject({ status: "True" });
  expect(status().url).toBe("http://mcp.example.com/mcp");
});

test("a server without spec.routing has no condition about routes and the address of its Service", () => {
  const server = serverOf("basket", { image: "basket" }, "uid");
  const pools = poolsOf(server);
  const { url, conditions = [] } = computeStatus({
    server: { metadata: server.metadata, spec: server.spec, problems: [], status: {} },
    pools,
    obstacles: [],
    missing: [],
    podProblems: [],
    deployments: new Map(pools.map(({ objectName }) => [objectName, running])),
    now: "2026-01-02T03:04:05Z",
  });
  expect(conditions.map(({ type }) => type)).toEqual(["Ready", "Reconciling", "Stalled", "Available"]);
  expect(url).toBe("http://basket.shop.svc/mcp");
});

describe("where this process may not look, the routes' own conditions decide, so that", () => {
  test("a Gateway in another namespace than its own is not missed", () => {
    const evidence = {
      gateways: [{ ...edge, className: "", controller: undefined, state: undefined, inSight: false }],
    };
    expect(routed(evidence)).toMatchObject({ status: "True" });
    expect(status({ evidence }).url).toBeUndefined();
    expect(routed({ ...evidence, routes: new Map() })).toMatchObject({ reason: "RoutePending" });
  });
  test("a class is not missed", () => {
    const classesInSight = { gateway: false, ingress: false };
    expect(routed({ gateways: [{ ...edge, controller: undefined }], classesInSight })).toMatchObject({
      status: "True",
    });
  });
});

test("a server is Routed but not Ready while its gateway is told of a pool", () => {
  const evidence = { beingTold: ["prices"] };
  expect(routed(evidence)).toMatchObject({ status: "True" });
  const ready = condition("Ready", { evidence });
  expect(ready).toMatchObject({ status: "False", reason: "RoutePending" });
  expect(ready?.message).toContain("pool prices");
});

describe("Routed is False, and says what to do, when", () => {
  test("the Gateway isn't there", () => {
    const found = routed({ gateways: [{ ...edge, className: "", controller: undefined, state: undefined }] });
    expect(found).toMatchObject({ status: "False", reason: "GatewayNotFound" });
    expect(found?.message).toContain("Gateway edge isn't in namespace infra: create it");
  });
  test("the Gateway's class isn't there", () => {
    const found = routed({ gateways: [{ ...edge, controller: undefined }] });
    expect(found).toMatchObject({ reason: "GatewayClassNotFound" });
    expect(found?.message).toContain("class public");
  });
  test("the Gateway isn't programmed", () => {
    const state = {
      programmed: { ...programmed, status: "False", reason: "AddressNotAssigned", message: "No address" },
    };
    const found = routed({ gateways: [withState(state)] });
    expect(found).toMatchObject({ reason: "GatewayNotReady" });
    expect(found?.message).toContain("AddressNotAssigned): No address");
  });
  test("nobody has answered yet", () => {
    expect(routed({ routes: new Map([["basket", { generation: 1, parents: [] }]]) })).toMatchObject({
      reason: "RoutePending",
    });
    expect(routed({ routes: new Map() })).toMatchObject({ reason: "RoutePending" });
  });
  test("the answer is about an older version of the route", () => {
    expect(routed({ routes: new Map([["basket", { ...accepted, generation: 3 }]]) })).toMatchObject({
      reason: "RoutePending",
    });
  });
  test("one of two parents has not answered", () => {
    const routing = { ...byGateway, gateway: { parentRefs: [...toEdge.parentRefs, { name: "other" }] } };
    expect(condition("Routed", { routing })).toMatchObject({ reason: "RoutePending" });
  });
  test.each([
    ["NotAllowedByListeners", "allowedRoutes"],
    ["NoMatchingListenerHostname", "spec.routing.hostnames"],
    ["NoMatchingParent", "sectionName"],
    ["UnsupportedValue", "leave out"],
    ["SomethingOfTheirOwn", "see the route's status"],
  ])("a parent refuses the route with %s", (reason, hint) => {
    const found = against(reason);
    expect(found).toMatchObject({ status: "False", reason });
    expect(found?.message).toContain("Gateway infra/edge doesn't take this server's route: No. What to do:");
    expect(found?.message).toContain(hint);
  });
  test("a reference isn't permitted", () => {
    expect(against("RefNotPermitted", "ResolvedRefs")?.message).toContain("ReferenceGrant");
  });
  test("an older server has the address", () => {
    const found = routed({ takenBy: { namespace: "shop", name: "first" } });
    expect(found).toMatchObject({ reason: "AddressTaken" });
    expect(found?.message).toContain("McpServer shop/first, which is older");
  });
  test("the IngressClass isn't there", () => {
    const found = condition("Routed", {
      routing: { ingress: { className: "web" } },
      evidence: { gateways: [], routes: new Map() },
    });
    expect(found).toMatchObject({ reason: "IngressClassNotFound" });
    expect(found?.message).toContain("no IngressClass web");
  });
});

test("what keeps calls away is also why the server isn't Ready, and it has no URL then", () => {
  const given = { evidence: { takenBy: { namespace: "shop", name: "first" } } };
  expect(condition("Ready", given)).toMatchObject({ status: "False", reason: "AddressTaken" });
  expect(condition("Stalled", given)).toMatchObject({ status: "True" });
  expect(status(given).url).toBeUndefined();
});

test("without a pod that answers there is no URL, though routes are accepted", () => {
  const given = { pods: { available: 0, ready: 0 } };
  expect(condition("Routed", given)).toMatchObject({ status: "True" });
  expect(status(given).url).toBeUndefined();
});

test("what the gateway can't do is a condition that names the field, and no reason not to be Ready", () => {
  const given = { evidence: { cannot: [{ field: "routing.rateLimits", message: "not here." }] } };
  expect(condition("RoutingSupported", given)).toMatchObject({
    status: "False",
    reason: "NotSupported",
    message: "spec.routing.rateLimits: not here.",
  });
  expect(condition("Ready", given)).toMatchObject({ status: "True" });
});

test("a class that can't match headers says so", () => {
  expect(condition("HeaderRouting", { evidence: { matchesHeaders: false } })).toMatchObject({
    status: "False",
    reason: "ClassCannotMatchHeaders",
  });
  expect(condition("HeaderRouting")).toMatchObject({ status: "True" });
});

describe("the URL", () => {
  const https = { name: "https", port: 443, protocol: "HTTPS" };
  const url = (listeners: GatewayState["listeners"], routing = byGateway) =>
    status({ routing, evidence: { gateways: [withState({ listeners })] } }).url;
  test("has TLS where a listener has it", () => {
    expect(url([listener, https])).toBe("https://mcp.example.com/mcp");
  });
  test("has the port unless it is the scheme's own", () => {
    expect(url([{ ...https, port: 8443 }])).toBe("https://mcp.example.com:8443/mcp");
  });
  test("is that of the listener that the spec names", () => {
    const gatewayRef = { parentRefs: [{ name: "edge", namespace: "infra", sectionName: "http" }] };
    expect(url([https, listener], { ...byGateway, gateway: gatewayRef })).toBe("http://mcp.example.com/mcp");
  });
  test("has the listener's host, or else the Gateway's address, where the spec names no host that can be called", () => {
    const wild = { ...byGateway, hostnames: ["*.example.com"] };
    expect(url([{ ...listener, hostname: "a.example.com" }], wild)).toBe("http://a.example.com/mcp");
    expect(url([{ ...listener, hostname: "*.example.com" }], wild)).toBe("http://192.0.2.7/mcp");
  });
  test("of an Ingress with a certificate has TLS", () => {
    const routing = { hostnames: ["mcp.example.com"], ingress: { className: "web", tls: [{ secretName: "cert" }] } };
    const evidence = { gateways: [], routes: new Map(), ingressController: "example.com/ingress" };
    expect(status({ routing, evidence }).url).toBe("https://mcp.example.com/mcp");
  });
});
