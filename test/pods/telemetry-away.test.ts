// A collector that is killed under load, and stays away: calls go on, spans are dropped and counted, and nothing else changes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { toolCall } from "../gateways/wire.ts";
import { collector } from "../support/collector-image.ts";
import { basket as image } from "../support/images.ts";
import { type AnyObject, written } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { podsIn, textOf, uidsOf } from "./charts.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";

const server = "unheard";
const replicas = 2;
const port = 9464;
const small = { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } };
/** Little room and patience, so that a short absence is too long for some spans. */
const env = Object.entries({
  OTEL_BSP_MAX_QUEUE_SIZE: "64",
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "32",
  OTEL_BSP_SCHEDULE_DELAY: "500",
  OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
  OTEL_METRIC_EXPORT_INTERVAL: "2000",
}).map(([name, value]) => ({ name, value }));

let world: PodWorld;
let kubectl: Kubectl;
let url: string;
beforeAll(async () => {
  world = await podWorld("--collector-image", collector);
  kubectl = kubectlIn(world.kube.namespace);
  const exporters = { prometheus: { endpoint: `0.0.0.0:${port}` }, debug: {} };
  const telemetry = { collector: { exporters, resources: small } };
  await world.run(server, { image, replicas, env, telemetry }, replicas);
  await world.kube.condition(server, "TelemetryReady", { status: "True" }, 120);
  url = await world.url(server);
});
afterAll(async () => {
  await nodes("uncordon");
  await world.end();
});

const nodes = async (what: "cordon" | "uncordon") =>
  kubectl(what, ...(await kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")).split(" "));
const collectors = () => podsIn(world.kube, `anypod.dev/server=${server},anypod.dev/role=collector`);
const serverPods = () => world.pods(server, replicas);
const killCollectors = () =>
  kubectl(
    "delete",
    "pods",
    "-l",
    `anypod.dev/server=${server},anypod.dev/role=collector`,
    "--grace-period=0",
    "--force",
  );
/** With the times of their last changes. */
const conditions = async () => {
  const { status } = await world.kube.server(server);
  return status?.conditions?.filter(({ type }) => type === "Ready" || type === "Available");
};
const isReady = ({ status }: AnyObject) =>
  status.conditions?.some((each: AnyObject) => each.type === "Ready" && each.status === "True");
const restarts = (pods: AnyObject[]) =>
  pods.flatMap(({ metadata, status }) =>
    status.containerStatuses.map((each: AnyObject) => [metadata.uid, each.restartCount]),
  );
const objects = async () =>
  (await world.kube.childrenOf(server))
    .map(written)
    .sort((a, b) => (`${a.of}/${a.name}` < `${b.of}/${b.name}` ? -1 : 1));

/** How long calls of the fast tool take beside the load, in milliseconds: the middle of 21. */
async function latency(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 21; i += 1) {
    const { status, began, ended } = await world.driver.send(toolCall(url, "price", { item: "tea" }));
    expect(status).toBe(200);
    times.push(ended - began);
  }
  return times.sort((a, b) => a - b)[10]!;
}

/** What pods have logged of spans that they dropped. */
async function droppedInLogs(): Promise<number> {
  const logs = await Promise.all((await serverPods()).map((pod) => textOf(world.kube, pod, "/log")));
  const lines = logs.flatMap((log) => log.split("\n").filter((line) => line.includes('"spans dropped"')));
  return lines.reduce((sum, line) => sum + Number(JSON.parse(line).dropped), 0);
}

/** What the collector has been told of them. */
async function droppedInMetrics(): Promise<number> {
  const [pod] = await collectors();
  const { body } = await world.driver.send({ url: `http://${pod?.status.podIP}:${port}/metrics`, method: "GET" });
  const lines = [...body.matchAll(/^otel_sdk_processor_span_processed\w*\{[^}]*error_type=[^}]*\} (\d+)/gm)];
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

test("a collector that is killed again and again, and stays away, costs spans and nothing else", async () => {
  const before = { objects: await objects(), restarts: restarts(await serverPods()), conditions: await conditions() };
  await world.driver.startLoad(url, 4);
  const usual = await latency();

  for (const kill of ["first", "second"]) {
    const killed = uidsOf(await collectors());
    await killCollectors();
    await eventually(
      `another collector runs after the ${kill} was killed`,
      async () => {
        const [pod, ...others] = await collectors();
        return pod && others.length === 0 && !killed.includes(pod.metadata.uid) && isReady(pod);
      },
      90,
    );
    await world.kube.condition(server, "TelemetryReady", { status: "True", reason: "TelemetryFlows" });
  }

  // Nobody takes new pods; those that are there stay.
  await nodes("cordon");
  await killCollectors();
  await eventually(
    "the condition says why, and what becomes of spans",
    async () => {
      // The pod that can't be scheduled may be heard of before the Deployment that has none.
      const { message } = await world.kube.condition(server, "TelemetryReady", {
        status: "False",
        reason: "Unschedulable",
      });
      return /The collector in pod unheard-collector-.* doesn't run:.*Until then, pods drop what they/.test(message);
    },
    60,
  );
  await eventually("spans are dropped", async () => (await droppedInLogs()) > 0, 60);
  const meanwhile = await latency();
  expect(meanwhile).toBeLessThan(5 * usual + 50);

  await nodes("uncordon");
  await world.kube.condition(server, "TelemetryReady", { status: "True", reason: "TelemetryFlows" }, 120);
  await eventually("the collector is told how many", async () => (await droppedInMetrics()) > 0, 60);
  const { calls, failed, errors } = await world.driver.stopLoad();
  expect({ failed, errors }).toEqual({ failed: 0, errors: [] });
  expect(calls).toBeGreaterThan(100);

  expect(restarts(await serverPods())).toEqual(before.restarts);
  expect(await conditions()).toEqual(before.conditions);
  expect(await objects()).toEqual(before.objects);
});
