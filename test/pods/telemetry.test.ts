// A server's telemetry with a real collector: what gets through, what a bad configuration does, and what nobody may see.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { collector } from "../support/collector-image.ts";
import { basket as image } from "../support/images.ts";
import type { AnyObject } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { textOf } from "./charts.ts";
import { type PodWorld, podWorld } from "./support.ts";

const canary = "canary-4f1d0f2c";
let world: PodWorld;

beforeAll(async () => {
  world = await podWorld("--collector-image", collector);
  const { client, namespace } = world.kube;
  const body = { metadata: { name: "tracing" }, stringData: { token: canary } };
  await client.json({ method: "POST", path: `/api/v1/namespaces/${namespace}/secrets`, body });
});
afterAll(() => world.end());

const env = [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "tracing", key: "token" } } }];
/** Prints all that it gets, and would send it to where nobody is. */
const exporters = {
  debug: { verbosity: "detailed" },
  "otlphttp/nowhere": { endpoint: "http://127.0.0.1:9", headers: { authorization: `Bearer \${env:TOKEN}` } },
};
const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } };
const spec = (more: object = {}): SpecInput => ({
  image,
  replicas: 1,
  telemetry: { collector: { exporters, env, resources, ...more } },
});

async function collectorPods(server: string): Promise<AnyObject[]> {
  const query = { labelSelector: `anypod.dev/server=${server},anypod.dev/role=collector` };
  const path = `/api/v1/namespaces/${world.kube.namespace}/pods`;
  const { items } = await world.kube.client.json<{ items: AnyObject[] }>({ path, query });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
}

const logOf = (pod: AnyObject) => textOf(world.kube, pod, "/log?container=collector");
const isReady = ({ status }: AnyObject) =>
  status.conditions?.some((each: AnyObject) => each.type === "Ready" && each.status === "True");

/** Sends one span to the Service that the server's pods were told of, by way of the API server. */
async function sendSpan(server: string, traceId: string): Promise<void> {
  const [service] = (await world.kube.childrenOf(server)).filter(
    ({ kind, metadata }) => kind === "Service" && metadata.labels?.["anypod.dev/role"] === "collector",
  );
  const span = {
    traceId,
    spanId: "00f067aa0ba902b7",
    name: "tools/call price",
    startTimeUnixNano: "1",
    endTimeUnixNano: "2",
  };
  await world.kube.client.json({
    method: "POST",
    path: `/api/v1/namespaces/${world.kube.namespace}/services/${service!.metadata.name}:http/proxy/v1/traces`,
    body: { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] },
  });
}

describe("a collector of the server's own", () => {
  const server = "traced";

  test("takes what is sent to where pods were told, and says whose it is", async () => {
    await world.kube.applyServer(server, spec());
    await world.kube.condition(server, "TelemetryReady", { status: "True", reason: "TelemetryFlows" }, 120);
    await world.kube.condition(server, "Ready", { status: "True" }, 120);
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    await sendSpan(server, traceId);
    const [pod] = await collectorPods(server);
    const log = await eventually("the span is there", async () => {
      const text = await logOf(pod!);
      return text.includes(traceId) && text;
    });
    expect(log).toMatch(/service\.name: Str\(traced\)/);
    expect(log).toContain(`service.namespace: Str(${world.kube.namespace})`);
  });

  test("isn't replaced by one with a bad configuration, which says why", async () => {
    const [before] = await collectorPods(server);
    await world.kube.applyServer(server, spec({ exporters: { nonsense: {} } }));
    const { message } = await world.kube.condition(
      server,
      "TelemetryReady",
      { status: "False", reason: "CollectorConfigInvalid" },
      120,
    );
    expect(message).toMatch(/unknown type: "nonsense".* The collector runs on with its last good configuration/);
    await world.kube.condition(server, "Ready", { status: "True" });
    const pods = await collectorPods(server);
    expect(pods.filter(isReady).map(({ metadata }) => metadata.uid)).toEqual([before!.metadata.uid]);
    const { configMap } = before!.spec.volumes.find(({ name }: AnyObject) => name === "config");
    expect(await world.kube.get("ConfigMap", configMap.name)).toBeDefined();
    await sendSpan(server, "0af7651916cd43dd8448eb211c80319c");
    await eventually("it goes on", async () => (await logOf(before!)).includes("0af7651916cd43dd8448eb211c80319c"));

    await world.kube.applyServer(server, spec());
    await world.kube.condition(server, "TelemetryReady", { status: "True" }, 120);
    await eventually("one configuration is left", async () => {
      const maps = (await world.kube.childrenOf(server)).filter(({ kind }) => kind === "ConfigMap");
      return maps.length === 1;
    });
  });

  test("is rolled once when a Secret of its variables changes", async () => {
    const [before] = await collectorPods(server);
    await world.kube.patch("Secret", "tracing", { stringData: { token: `${canary}-2` } });
    await eventually(
      "another pod runs",
      async () => {
        const pods = await collectorPods(server);
        return pods.length === 1 && pods.every(isReady) && pods[0]!.metadata.uid !== before!.metadata.uid;
      },
      90,
    );
  });

  test("keeps its token from everybody", async () => {
    const { client, namespace } = world.kube;
    const events = await client.json({ path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events` });
    const objects = (await world.kube.childrenOf(server)).filter(({ kind }) => kind !== "Secret");
    const logs = await Promise.all((await collectorPods(server)).map(logOf));
    const seen = JSON.stringify([events, objects, await world.kube.server(server), logs, world.operator.log()]);
    expect(seen).not.toContain(canary);
    expect(seen).not.toContain(Buffer.from(canary).toString("base64"));
  });
});

test("a Secret that isn't there keeps the collector from starting, and the server from nothing", async () => {
  const missing = [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "missing", key: "token" } } }];
  await world.run("untraced", spec({ env: missing }), 1);
  const { message } = await world.kube.condition("untraced", "TelemetryReady", {
    status: "False",
    reason: "SecretNotFound",
  });
  expect(message).toMatch(/Secret missing isn't in namespace .* create it/);
  await world.kube.remove("McpServer", "untraced");
});
