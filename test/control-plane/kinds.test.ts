// Every kind that anypod makes, those of gateways and ingress controllers included: what of it is somebody else's, what is
// anypod's own, and its end.
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { apiVersion, kind as mcpServer, type SpecInput } from "../../operator/api/mcpserver.ts";
import { parseFile } from "../../operator/api/parse.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { childKinds, configMaps, secrets } from "../../operator/reconcile/kinds.ts";
import { renderServers } from "../../operator/render.ts";
import { type AnyObject, type TestKube, testKube, typeByKind } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";
import { install } from "./definitions.ts";
import { playedGateways } from "./gateways.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const prometheusUrl = "http://prometheus.example.com";
const envoyGateway = "gateway.envoyproxy.io/gatewayclass-controller";
const ingressControllers: Record<string, string> = {
  HTTPProxy: "projectcontour.io/ingress-controller",
  IngressRoute: "traefik.io/ingress-controller",
  Middleware: "traefik.io/ingress-controller",
  ServersTransport: "traefik.io/ingress-controller",
  KongPlugin: "ingress-controllers.konghq.com/kong",
  Ingress: "haproxy-ingress.github.io/controller",
};
const ofGateways = ["HTTPRoute", "BackendTrafficPolicy"];
/** Stores of tasks that nobody needs to keep. */
const replication = { redis: { replication: { retain: false } } };
const taskStores: Record<string, SpecInput["taskStore"]> = {
  StatefulSet: { redis: { managed: {} } },
  Cluster: { postgresql: { cloudNativePg: { retain: false } } },
  RedisReplication: replication,
  RedisSentinel: replication,
  ConfigMap: replication,
};
const more: Record<string, Partial<SpecInput>> = {
  ScaledObject: { autoscaling: { callsPerSecond: 1 } },
  OpenTelemetryCollector: { telemetry: { collector: { exporters: { debug: {} } } } },
};
/** Kinds with tasks in them, and what those can't do without. */
const stays = Object.keys(taskStores);
const kinds = [...childKinds.map(({ type }) => type), secrets, configMaps].map(({ kind }) => kind);

let kube: TestKube;
let operator: RunningOperator;
let uninstall = async () => {};
/** By the kind that each server is about. */
const specs = new Map<string, SpecInput>();
const foreign = new Map<string, AnyObject>();

const serverOf = (kind: string) => `of-${kind.toLowerCase()}`;

/** A spec with all that asks for a kind. */
async function specOf(kind: string): Promise<SpecInput> {
  const hostnames = [`${kind.toLowerCase()}.example.com`];
  const rateLimits = [{ tool: "pay", requests: 60 }];
  const taskStore = taskStores[kind];
  const telemetry = { metrics: { port: 9464 } };
  const all = { image, network: {}, pools: [{ name: "a" }], telemetry, ...(taskStore && { taskStore }), ...more[kind] };
  if (ofGateways.includes(kind))
    return { ...all, routing: { hostnames, rateLimits, gateway: { parentRefs: [{ name: "edge" }] } } };
  const controller = ingressControllers[kind];
  if (controller === undefined) return all;
  const className = await playedGateways(kube).ingressClass(kind.toLowerCase(), controller);
  return { ...all, routing: { hostnames, rateLimits, ingress: { className } } };
}

/** The object of a kind that the spec leads to, without whatever says whose it is: of a pool, where there is one. */
function objectOf(kind: string, spec: SpecInput): AnyObject {
  const server = { apiVersion, kind: mcpServer, metadata: { name: serverOf(kind) }, spec };
  const { servers } = parseFile("test", JSON.stringify(server), kube.namespace);
  const controller = ofGateways.includes(kind) ? envoyGateway : (ingressControllers[kind] ?? "");
  const objects = loadAll(
    renderServers(servers, { controllers: [controller], installed: [kind], prometheusUrl }),
  ) as AnyObject[];
  const { metadata, data: _, ...rest } = objects.findLast((each) => each.kind === kind)!;
  return { ...rest, metadata: { name: metadata.name, namespace: kube.namespace } } as AnyObject;
}

const pathOf = (kind: string) => collectionPath(typeByKind(kind), kube.namespace);
const nameOf = (kind: string) => foreign.get(kind)!.metadata.name;

beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"));
  uninstall = await install(
    kube,
    childKinds.filter(({ optional }) => optional).map(({ type }) => type),
  );
  operator = await startOperator(inject("operator").kubeconfig, "--prometheus-url", prometheusUrl);
  const played = playedGateways(kube);
  await played.gateway("edge", await played.gatewayClass("envoy", envoyGateway));
  for (const kind of kinds) {
    const spec = await specOf(kind);
    specs.set(kind, spec);
    foreign.set(kind, objectOf(kind, spec));
    await kube.client.json({ method: "POST", path: pathOf(kind), body: foreign.get(kind) });
    await kube.applyServer(serverOf(kind), spec);
  }
});
afterAll(async () => {
  await operator.stop();
  await uninstall();
});

describe("somebody else's object of that name", () => {
  test.each(kinds)("%s: is left alone, and a condition names it", async (kind) => {
    const { message } = await kube.condition(serverOf(kind), "Stalled", { status: "True", reason: "NotOwned" });
    expect(message).toContain(`${kind} ${nameOf(kind)} is there already`);
    expect((await kube.get(kind, nameOf(kind)))?.metadata.ownerReferences).toBeUndefined();
  });
});

describe("when it is gone", () => {
  beforeAll(async () => {
    for (const kind of kinds) await kube.remove(kind, nameOf(kind));
  });

  test.each(kinds)("%s: anypod makes its own", async (kind) => {
    await eventually(`there is a ${kind} of anypod's`, async () =>
      (await kube.get(kind, nameOf(kind)))?.metadata.ownerReferences?.some(({ controller }) => controller),
    );
    await kube.condition(serverOf(kind), "Stalled", { status: "False" });
  });
});

describe("when somebody changes or deletes it", () => {
  const component = (object: AnyObject | undefined) => object?.metadata.labels?.["app.kubernetes.io/component"];

  test.each(kinds)("%s: anypod takes it back, and makes it again", async (kind) => {
    const before = await kube.get(kind, nameOf(kind));
    await kube.patch(kind, nameOf(kind), { metadata: { labels: { "app.kubernetes.io/component": "theirs" } } });
    const isBack = async () => component(await kube.get(kind, nameOf(kind))) === component(before);
    await eventually(`the ${kind} is as it was`, isBack);
    await kube.remove(kind, nameOf(kind));
    await eventually(`there is another ${kind}`, async () => {
      const { uid, deletionTimestamp } = (await kube.get(kind, nameOf(kind)))?.metadata ?? {};
      return uid !== undefined && uid !== before?.metadata.uid && deletionTimestamp === undefined;
    });
  });
});

describe("when the spec doesn't ask for it any more", () => {
  beforeAll(async () => {
    const mine = { requestState: { secretRef: { name: "mine" } }, serviceAccount: { name: "mine" } };
    for (const kind of kinds) await kube.applyServer(serverOf(kind), { image, replicas: 1, ...mine });
  });

  const isGone = (kind: string) =>
    eventually(`the ${kind} is gone`, async () => {
      const found = await kube.get(kind, nameOf(kind));
      return found === undefined || found.metadata.deletionTimestamp !== undefined;
    });

  test.each(kinds.filter((kind) => !stays.includes(kind)))("%s: anypod takes its own away", async (kind) => {
    await isGone(kind);
  });

  test.each(stays)("%s: anypod leaves it, as there are tasks in it", async (kind) => {
    const server = serverOf(kind);
    await eventually(
      "the Deployment is as the spec says",
      async () => (await kube.get("Deployment", server))?.spec.replicas === 1,
    );
    if (kind === "StatefulSet")
      await eventually("it has no pods", async () => (await kube.get(kind, nameOf(kind)))?.spec.replicas === 0);
    expect((await kube.get(kind, nameOf(kind)))?.metadata.deletionTimestamp).toBeUndefined();
  });

  test.each(["RedisSentinel", "ConfigMap"])("%s: anypod takes it away once its RedisReplication is", async (kind) => {
    const server = serverOf(kind);
    const [found] = await kube.list("RedisReplication", `anypod.dev/server=${server}`);
    await kube.remove("RedisReplication", found!.metadata.name);
    await isGone(kind);
  });
});
