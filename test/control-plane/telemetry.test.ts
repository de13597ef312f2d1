// A collector that the OpenTelemetry Operator would run: that operator is played, as are the pods.
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import type { AnyObject, TestKube } from "../support/kube.ts";
import { eventually, untilQuiet } from "../support/wait.ts";
import { installOperators } from "./definitions.ts";
import { type PlayedPods, playedPods } from "./played.ts";

let kube: TestKube;
let world: PlayedPods;
let uninstall = async () => {};

beforeAll(async () => {
  world = await playedPods();
  kube = world.kube;
});
afterAll(async () => {
  await world.end();
  await uninstall();
});

const server = "traced";
const spec: SpecInput = {
  image: "registry.example.com/basket-mcp:1.4.0",
  telemetry: { collector: { exporters: { otlphttp: { endpoint: "https://otel.example.com" } } } },
};
const collectorIs = (status: "True" | "False", reason: string) =>
  kube.condition(server, "TelemetryReady", { status, reason }, 60);

/** What of the collector there is, by kind. */
async function parts(): Promise<Map<string, AnyObject>> {
  const { uid } = (await kube.server(server)).metadata;
  const own = (await kube.childrenOf(server)).filter(
    ({ metadata }) =>
      metadata.labels?.["anypod.dev/role"] === "collector" &&
      metadata.ownerReferences?.some((owner) => (owner as { uid: string }).uid === uid),
  );
  return new Map(own.map((object) => [object.kind, object]));
}
const partsAre = (...kinds: string[]) =>
  eventually(
    `there are ${kinds.join(", ")}`,
    async () => [...(await parts()).keys()].sort().join() === kinds.join(),
    60,
  );

/** What the OpenTelemetry Operator says of its object when it has made a Deployment. */
const operatorSays = (name: string, statusReplicas: string) =>
  kube.patch("OpenTelemetryCollector", name, { status: { scale: { statusReplicas } } });

test("a collector is handed over to the OpenTelemetry Operator when that is installed, and no pod of the server is replaced", async () => {
  await kube.applyServer(server, spec);
  await collectorIs("True", "TelemetryFlows");
  await partsAre("ConfigMap", "Deployment", "Service");
  const service = (await parts()).get("Service")!;
  const { template } = (await kube.get("Deployment", server))!.spec;

  uninstall = await installOperators(kube, ["OpenTelemetryCollector"]);
  await partsAre("ConfigMap", "Deployment", "OpenTelemetryCollector", "Service");
  const { message } = await collectorIs("False", "CollectorStarting");
  expect(message).toMatch(
    /see whether the OpenTelemetry Operator runs.* describe opentelemetrycollector traced-collector/,
  );
  await kube.condition(server, "Ready", { status: "True" });

  const { name } = (await parts()).get("OpenTelemetryCollector")!.metadata;
  await operatorSays(name, "0/1");
  await eventually("it has pods", async () =>
    /get pods/.test((await collectorIs("False", "CollectorStarting")).message),
  );
  await partsAre("ConfigMap", "Deployment", "OpenTelemetryCollector", "Service");
  await operatorSays(name, "1/1");
  await collectorIs("True", "TelemetryFlows");
  await partsAre("OpenTelemetryCollector", "Service");
  expect((await parts()).get("Service")!.metadata.resourceVersion).toBe(service.metadata.resourceVersion);
  expect((await kube.get("Deployment", server))!.spec.template).toEqual(template);
});

test("what the OpenTelemetry Operator adds to its object is left alone, and a changed spec is written once", async () => {
  const name = (await parts()).get("OpenTelemetryCollector")!.metadata.name;
  await kube.patch("OpenTelemetryCollector", name, {
    spec: { ipFamilyPolicy: "SingleStack", config: { service: { telemetry: { resource: { host: "a" } } } } },
    status: { version: "0.155.0" },
  });
  const requests = () => operatorRequests(inject("auditLog"), kube.namespace);
  await untilQuiet(() => requests().length);
  const before = writesOf(requests()).length;
  await kube.applyServer(server, { ...spec, telemetry: { collector: { ...spec.telemetry!.collector!, replicas: 3 } } });
  const written = await eventually("it has three replicas", async () => {
    const object = await kube.get("OpenTelemetryCollector", name);
    return object?.spec.replicas === 3 && object;
  });
  expect(written.spec).toMatchObject({
    ipFamilyPolicy: "SingleStack",
    config: { service: { telemetry: { resource: { host: "a" } } } },
  });
  await untilQuiet(() => requests().length);
  const writes = writesOf(requests()).slice(before);
  expect(writes.filter(({ resource }) => resource !== "mcpservers").map((each) => each.resource)).toEqual([
    "opentelemetrycollectors",
  ]);
});

test("a collector that is no longer asked for goes, and one is made by anypod when the operator's kind has gone", async () => {
  await kube.applyServer(server, { image: spec.image });
  await eventually("nothing of it is left", async () => (await parts()).size === 0);
  await kube.applyServer(server, spec);
  await partsAre("OpenTelemetryCollector", "Service");
  await uninstall();
  uninstall = async () => {};
  await partsAre("ConfigMap", "Deployment", "Service");
  await collectorIs("True", "TelemetryFlows");
});
