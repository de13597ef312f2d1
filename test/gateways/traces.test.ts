// One trace from the client through the gateway to the pod, in a real trace backend: over a plain call, over a question that
// another pod answers, and over a task that another pod tells of.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskEnded } from "../driver/task.ts";
import type { Traceable } from "../driver/traced.ts";
import { storeImageFlags } from "../pods/engines.ts";
import { collector } from "../support/collector-image.ts";
import { serviceAddress } from "../support/driver.ts";
import { basket as image } from "../support/images.ts";
import { jaegerObjects, type TraceSpan, traceOf } from "../support/jaeger.ts";
import { redis } from "../support/store-images.ts";
import { eventually } from "../support/wait.ts";
import { envoyProxy, type GatewayWorld, gatewayWorld } from "./support.ts";

const server = "traced";
const hostname = "traces.example.com";
const url = `http://${hostname}/mcp`;
let world: GatewayWorld;
let via: string;
let jaeger: string;

beforeAll(async () => {
  world = await gatewayWorld("--collector-image", collector, ...storeImageFlags);
  const { client, namespace } = world.kube;
  await world.apply(...jaegerObjects);
  const tracing = {
    samplingRate: 100,
    provider: { type: "OpenTelemetry", backendRefs: [{ name: "jaeger", port: 4317 }] },
  };
  const proxy = { ...envoyProxy, metadata: { name: server }, spec: { telemetry: { tracing } } };
  const { parentRef, address } = await world.gatewayOf(proxy);
  via = address;
  jaeger = `http://${(await serviceAddress(client, namespace, "jaeger")).split(":")[0]}:4318`;
  const requests = { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } };
  await world.run(
    server,
    {
      image,
      replicas: 2,
      routing: { hostnames: [hostname], gateway: { parentRefs: [parentRef] } },
      taskStore: { redis: { managed: { version: redis.split(":").at(-1)!, resources: requests } } },
      telemetry: {
        // The gateway takes this over, with tags of its own.
        samplingPercent: 100,
        collector: {
          exporters: { otlphttp: { endpoint: `http://jaeger.${namespace}.svc:4318` } },
          resources: requests,
        },
      },
    },
    2,
  );
  await world.kube.condition(server, "TelemetryReady", { status: "True" }, 120);
  await eventually(`${url} answers`, async () => (await world.driver.calls(url, 1, via)).failed === 0, 60);
});
afterAll(() => world.end());

type Sender = "driver" | "gateway" | "server";
const senders: Record<string, Sender> = { driver: "driver", [server]: "server" };
const senderOf = ({ service }: TraceSpan): Sender => senders[service] ?? "gateway";
const isClient = ({ tags }: TraceSpan) => tags["span.kind"] === "client";

/** A request of the client, the gateway's two spans of it, and the server's. */
interface Request {
  client: TraceSpan;
  /** What came in. */
  ingress: TraceSpan | undefined;
  /** What went out to a pod. */
  egress: TraceSpan | undefined;
  server: TraceSpan;
}

/** @param through whether the gateway's spans are in the same trace */
async function requestsOf(traceId: string, through = true): Promise<Request[]> {
  const count = (spans: TraceSpan[], sender: Sender) => spans.filter((span) => senderOf(span) === sender).length;
  const isWhole = (spans: TraceSpan[]) => {
    const sent = spans.filter((span) => senderOf(span) === "driver" && isClient(span)).length;
    return sent > 0 && count(spans, "server") === sent && (!through || count(spans, "gateway") === 2 * sent);
  };
  const spans = await traceOf(world.kube, traceId, isWhole);
  const under = (parent: TraceSpan | undefined, sender: Sender) =>
    spans.find((span) => parent && senderOf(span) === sender && span.parent === parent.id);
  const clients = spans.filter((span) => senderOf(span) === "driver" && isClient(span));
  return clients.map((client) => {
    const ingress = under(client, "gateway");
    const egress = under(ingress, "gateway");
    const served = under(client, "server") ?? under(egress, "server");
    if (!served) throw new Error(`nobody has served ${client.name}: ${JSON.stringify(spans)}`);
    return { client, ingress, egress, server: served };
  });
}

/** The client's span is the parent of the gateway's and of the server's, which refers to the gateway's. */
function expectOneTrace(requests: Request[], traceId: string): void {
  for (const { client, ingress, egress, server: served } of requests) {
    expect(served).toMatchObject({ name: client.name, parent: client.id, links: [{ traceId, id: egress?.id }] });
    expect(served.tags).toMatchObject({ "span.kind": "server", "mcp.method.name": client.tags["mcp.method.name"] });
    expect(ingress?.tags).toMatchObject({ "mcp.method.name": client.tags["mcp.method.name"] });
  }
}

const podsOf = (requests: Request[], name: string) =>
  requests.filter(({ client }) => client.name === name).map(({ server: { resource } }) => resource["k8s.pod.name"]);

/** Goes through a flow until its requests were answered by more than one pod. */
async function overTwoPods(flow: Traceable["flow"], isSpread: (result: unknown) => boolean) {
  const { traceId, result } = await eventually(`a ${flow} is answered by two pods`, async () => {
    const one = await world.driver.traced({ url, via, collector: jaeger, flow });
    return isSpread(one.result) && one;
  });
  return { traceId, result, requests: await requestsOf(traceId) };
}

test("a call is one trace: client, gateway, server", async () => {
  const { traceId } = await world.driver.traced({ url, via, collector: jaeger, flow: "call" });
  const requests = await requestsOf(traceId);
  expect(requests.map(({ client }) => client.name).sort()).toEqual(["server/discover", "tools/call price"]);
  expectOneTrace(requests, traceId);
  const [call] = requests.filter(({ client }) => client.name === "tools/call price");
  expect(call?.ingress?.tags).toMatchObject({ "http.request.header.mcp-name": "price", "http.status_code": "200" });
  expect(call?.server.tags).toMatchObject({ "gen_ai.tool.name": "price", "gen_ai.operation.name": "execute_tool" });
  expect(call?.server.resource).toMatchObject({
    "service.namespace": world.kube.namespace,
    "anypod.pool": "main",
    "k8s.pod.name": expect.stringMatching(/^traced-/),
  });
});

test("a question that another pod answers is one trace", async () => {
  type Asked = { askedBy: string; answeredBy: string };
  const isSpread = (result: unknown) => (result as Asked).askedBy !== (result as Asked).answeredBy;
  const { traceId, result, requests } = await overTwoPods("question", isSpread);
  expectOneTrace(requests, traceId);
  const { askedBy, answeredBy } = result as Asked;
  expect(podsOf(requests, "tools/call checkout").sort()).toEqual([askedBy, answeredBy].sort());
});

test("a task that another pod tells of is one trace", async () => {
  const polls = (result: unknown) =>
    (result as TaskEnded).exchanges.filter(({ method }) => method === "tasks/get").length;
  let found: Awaited<ReturnType<typeof overTwoPods>> | undefined;
  await eventually("a task is made on one pod and polled on another", async () => {
    found = await overTwoPods("task", (result) => polls(result) > 1);
    const [maker] = podsOf(found.requests, "tools/call pack_basket");
    return podsOf(found.requests, "tasks/get").some((pod) => pod !== maker);
  });
  const { traceId, requests } = found!;
  expectOneTrace(requests, traceId);
  expect(podsOf(requests, "tools/call pack_basket")).toHaveLength(1);
});

test("of a client that sets the HTTP header alone, the gateway's span is the server's parent", async () => {
  const { traceId } = await world.driver.traced({ url, via, collector: jaeger, flow: "call", carriedBy: "header" });
  for (const { client, ingress, egress, server: served } of await requestsOf(traceId)) {
    expect(ingress?.parent).toBe(client.id);
    expect(served).toMatchObject({ name: client.name, parent: egress?.id, links: [] });
  }
});

test("of a client that sets `_meta` alone, the gateway begins a trace of its own, to which the server's span refers", async () => {
  const { traceId } = await world.driver.traced({ url, via, collector: jaeger, flow: "call", carriedBy: "message" });
  for (const { client, ingress, server: served } of await requestsOf(traceId, false)) {
    expect(served.parent).toBe(client.id);
    expect(ingress).toBeUndefined();
    const [link] = served.links;
    expect(link?.traceId).not.toBe(traceId);
    const other = await traceOf(world.kube, link!.traceId, (spans) => spans.length >= 2);
    const egress = other.find(({ id }) => id === link!.id);
    expect(other.find(({ id }) => id === egress?.parent)).toMatchObject({ parent: undefined });
  }
});
