// A server's PodMonitors on a cluster whose Prometheus Operator comes, and goes, later: with its real definitions.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import type { TestKube } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { installOperators } from "./definitions.ts";
import { type PlayedPods, playedPods } from "./played.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
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

const told = (metrics: object): SpecInput => ({
  image,
  replicas: 1,
  telemetry: { metrics: { port: 9464, ...metrics } },
});
const says = (status: "True" | "False", reason: string) =>
  kube.condition("basket", "TelemetryReady", { status, reason });

test("without the kind, the server is Ready, and a condition says what is missing", async () => {
  await kube.applyServer("basket", told({}));
  const { message } = await says("False", "PodMonitorNotInstalled");
  expect(message).toContain("install the Prometheus Operator");
  await kube.condition("basket", "Ready", { status: "True" });
});

test("with it, the PodMonitor is there at once, as the definition has it, and follows the spec", async () => {
  uninstall = await installOperators(kube, ["PodMonitor"]);
  await says("True", "TelemetryFlows");
  const first = await eventually("there is a PodMonitor", () => kube.get("PodMonitor", "basket"));
  expect(first.spec.podMetricsEndpoints[0].relabelings).toContainEqual({
    action: "replace",
    sourceLabels: ["__meta_kubernetes_pod_label_anypod_dev_pool"],
    targetLabel: "anypod_pool",
  });
  await kube.applyServer("basket", told({ interval: "5s", labels: { release: "prometheus" } }));
  await eventually("it follows", async () => {
    const { metadata, spec } = (await kube.get("PodMonitor", "basket"))!;
    return spec.podMetricsEndpoints[0].interval === "5s" && metadata.labels?.release === "prometheus";
  });
});

test("when the kind goes, the server is Ready still, and the condition says so", async () => {
  await uninstall();
  uninstall = async () => {};
  await kube.applyServer("basket", told({}));
  await says("False", "PodMonitorNotInstalled");
  await kube.condition("basket", "Ready", { status: "True" });
});
