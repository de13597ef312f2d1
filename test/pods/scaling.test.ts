// Autoscaling on a real node under real load: by CPU with metrics-server alone, by calls with KEDA and Prometheus. Pods come and
// go, and no call is lost.
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { installKeda, removeKeda } from "../cluster/addons/keda.ts";
import { installMetricsServer, removeMetricsServer } from "../cluster/addons/metrics-server.ts";
import { installPrometheus, prometheus, removePrometheus } from "../cluster/addons/prometheus.ts";
import { attachCluster, type Cluster } from "../cluster/index.ts";
import { message } from "../gateways/wire.ts";
import { collector } from "../support/collector-image.ts";
import { basket as image } from "../support/images.ts";
import type { AnyObject } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { type PodWorld, podWorld } from "./support.ts";

/** Autoscalers look every quarter of a minute, and rates are those of two minutes. */
vi.setConfig({ testTimeout: 420_000 });

let world: PodWorld;
let cluster: Cluster;
beforeAll(async () => {
  cluster = (await attachCluster(inject("cluster")))!;
  world = await podWorld("--prometheus-url", prometheus.url, "--collector-image", collector);
});
afterAll(() => world.end());

/** Goes up and down as soon as the numbers say so. */
const atOnce = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: "Pods" as const, value: 4, periodSeconds: 15 }] },
  scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: "Pods" as const, value: 4, periodSeconds: 15 }] },
};
const bounds = { minReplicas: 1, maxReplicas: 3, behavior: atOnce };

const hpa = (name: string) => world.kube.get("HorizontalPodAutoscaler", name);
const ownerOf = (object: AnyObject | undefined) =>
  object?.metadata.ownerReferences?.map((owner) => (owner as unknown as { kind: string }).kind).join();
const scaledTo = (name: string, count: number) =>
  eventually(
    `${name} has ${count} pods`,
    async () => {
      const { spec, status } = (await world.kube.get("Deployment", name))!;
      if (spec.replicas === count && status.availableReplicas === count && status.replicas === count) return true;
      throw new Error(`${spec.replicas}, seen: ${JSON.stringify((await hpa(name))?.status)}`);
    },
    240,
  );

/** Calls all the while; @returns what became of them */
async function underLoad(server: string, workers: number, work: () => Promise<unknown>) {
  await world.driver.startLoad(await world.url(server), workers);
  await work();
  return world.driver.stopLoad();
}
/** Some hundred calls a second from many, as fast as they are answered; and a few tens from one. */
const crowd = 8;
const few = 1;

describe("with metrics-server alone", () => {
  beforeAll(() => installMetricsServer(cluster));
  afterAll(() => removeMetricsServer(cluster));

  test("a server scales by CPU, up and down, and no call is lost", async () => {
    const spec: SpecInput = {
      image,
      resources: { requests: { cpu: "200m", memory: "64Mi" } },
      autoscaling: { ...bounds, cpu: 60 },
    };
    await world.kube.applyServer("by-cpu", spec);
    await world.kube.condition("by-cpu", "Ready", { status: "True" }, 120);
    const up = await underLoad("by-cpu", crowd, () => scaledTo("by-cpu", 3));
    const down = await underLoad("by-cpu", 2, () => scaledTo("by-cpu", 1));
    expect([up.errors, down.errors]).toEqual([[], []]);
    expect([up.failed, down.failed]).toEqual([0, 0]);
    expect(Object.keys(up.pods)).toHaveLength(3);
    await world.kube.condition("by-cpu", "AutoscalingReady", { status: "True" }, 60);
    expect(ownerOf(await hpa("by-cpu"))).toBe("McpServer");
    await world.kube.remove("McpServer", "by-cpu");
  });
});

describe("with KEDA and Prometheus", () => {
  const server = "by-calls";

  beforeAll(async () => {
    await installPrometheus(cluster);
    await installKeda(cluster);
  });
  afterAll(async () => {
    await world.kube.remove("McpServer", server);
    await removeKeda(cluster);
    await removePrometheus(cluster);
  });

  /** What Prometheus answers to a query: the value of each series. */
  async function asked(query: string): Promise<number[]> {
    const path = `${prometheus.proxy}/api/v1/query`;
    const { data } = await world.kube.client.json<{ data: { result: { value: [number, string] }[] } }>({
      path,
      query: { query },
    });
    return data.result.map(({ value }) => Number(value[1]));
  }
  const scalePrometheus = (replicas: number) =>
    world.kube.client.json({
      method: "PATCH",
      path: `/apis/apps/v1/namespaces/${prometheus.namespace}/deployments/${prometheus.deployment}`,
      contentType: "application/merge-patch+json",
      body: { spec: { replicas } },
    });

  test("a server scales up by its calls, with one autoscaler, which is KEDA's", async () => {
    await world.kube.applyServer(server, {
      image,
      resources: { requests: { cpu: "50m", memory: "64Mi" } },
      autoscaling: { ...bounds, callsPerSecond: 40, callsInFlight: 5 },
      telemetry: {
        samplingPercent: 0,
        collector: {
          exporters: { debug: {} },
          resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        },
        metrics: { interval: "5s" },
      },
    });
    await world.kube.condition(server, "Ready", { status: "True" }, 150);
    await eventually("KEDA has its autoscaler", async () => ownerOf(await hpa(server)) === "ScaledObject", 60);
    const { items } = await world.kube.client.json<{ items: AnyObject[] }>({
      path: `/apis/autoscaling/v2/namespaces/${world.kube.namespace}/horizontalpodautoscalers`,
    });
    expect(items.map(({ metadata }) => metadata.name)).toEqual([server]);

    const tally = await underLoad(server, crowd, () => scaledTo(server, 3));
    expect(tally.errors).toEqual([]);
    expect(tally.failed).toBe(0);
    expect(Object.keys(tally.pods)).toHaveLength(3);
    await world.kube.condition(server, "AutoscalingReady", { status: "True", reason: "AutoscalerCounts" }, 60);
  });

  test("keeps its pods while Prometheus is away, however few calls there are, and says why", async () => {
    await scalePrometheus(0);
    const tally = await underLoad(server, few, async () => {
      const missing = { status: "False", reason: "CallMetricsMissing" } as const;
      await world.kube.condition(server, "AutoscalingReady", missing, 150);
    });
    expect(tally.failed).toBe(0);
    await scaledTo(server, 3);
    await world.kube.condition(server, "Ready", { status: "True" });
  });

  test("comes down with its calls when Prometheus is back, and no call is lost", async () => {
    await scalePrometheus(1);
    const tally = await underLoad(server, few, () => scaledTo(server, 1));
    expect(tally.errors).toEqual([]);
    expect(tally.failed).toBe(0);
    await world.kube.condition(server, "AutoscalingReady", { status: "True" }, 60);
  });

  test("doesn't grow for a crowd that listens", async () => {
    const { lastScaleTime } = (await hpa(server))!.status;
    const url = await world.url(server);
    const listening = { ...message(url, "subscriptions/listen"), timeout: 20_000 };
    const answers = await world.driver.sendAll(Array.from({ length: 100 }, () => listening));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const sum = `sum(mcp_server_operation_duration_seconds_sum{service_name="${server}",mcp_method_name="subscriptions/listen"})`;
    // As calls, they would want all pods that there may be.
    await eventually("Prometheus knows of the streams", async () => ((await asked(sum))[0] ?? 0) > 1900, 60);
    const looks = async () => (await asked('sum(prometheus_http_requests_total{handler="/api/v1/query"})'))[0] ?? 0;
    const before = await looks();
    await eventually("KEDA has looked some times since", async () => (await looks()) >= before + 8, 120);
    expect((await hpa(server))!.status).toMatchObject({ lastScaleTime, desiredReplicas: 1 });
  });
});
