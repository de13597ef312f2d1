// Autoscaling on a real node under real load: by CPU with metrics-server alone, by calls with KEDA and Prometheus. Pods come and
// go, and no call is lost.
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { installKeda, removeKeda } from "../cluster/addons/keda.ts";
import { installMetricsServer, removeMetricsServer } from "../cluster/addons/metrics-server.ts";
import { installPrometheus, prometheus, removePrometheus } from "../cluster/addons/prometheus.ts";
import { attachCluster, type Cluster } from "../cluster/index.ts";
import { message } from "../gateways/wire.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { collector } from "../support/collector-image.ts";
import { serviceAddress } from "../support/driver.ts";
import { conformance, basket as image } from "../support/images.ts";
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

/** Does the work while so many call, one call after the other each; none is lost. */
async function underLoad(server: string, workers: number, work: () => Promise<unknown>): Promise<void> {
  await world.driver.startLoad(await world.url(server), workers);
  await work().catch(async (error) => {
    await world.driver.stopLoad();
    throw error;
  });
  const { calls, errors, failed } = await world.driver.stopLoad();
  expect({ errors, failed }).toEqual({ errors: [], failed: 0 });
  expect(calls).toBeGreaterThan(100);
}
const answeredBy = (count: number) =>
  eventually(`${count} pods have answered`, async () => Object.keys((await world.driver.load()).pods).length >= count);

/** A hundred calls a second and more, as fast as they are answered; and a few tens. */
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
    await underLoad("by-cpu", crowd, async () => {
      await scaledTo("by-cpu", 3);
      await answeredBy(3);
    });
    await underLoad("by-cpu", few, () => scaledTo("by-cpu", 1));
    await world.kube.condition("by-cpu", "AutoscalingReady", { status: "True" }, 60);
    expect(ownerOf(await hpa("by-cpu"))).toBe("McpServer");
  });
});

describe("with KEDA and Prometheus", () => {
  const server = "by-calls";
  /** Its calls are told to Prometheus. */
  const told: Partial<SpecInput> = {
    resources: { requests: { cpu: "50m", memory: "64Mi" } },
    telemetry: {
      samplingPercent: 0,
      collector: {
        exporters: { debug: {} },
        resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
      },
      metrics: { interval: "5s" },
    },
  };

  beforeAll(async () => {
    await installPrometheus(cluster);
    await installKeda(cluster);
  });
  afterAll(async () => {
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
  /** How many it has answered; that it is asked for this is none. */
  async function queries(): Promise<number> {
    const address = await serviceAddress(world.kube.client, prometheus.namespace, prometheus.deployment);
    const { body } = await world.driver.send({ url: `http://${address}/metrics`, method: "GET" });
    return Number(/^prometheus_http_requests_total\{code="200",handler="\/api\/v1\/query"\} (\d+)$/m.exec(body)?.[1]);
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
      autoscaling: { ...bounds, callsPerSecond: 40, callsInFlight: 5 },
      ...told,
    });
    await world.kube.condition(server, "Ready", { status: "True" }, 150);
    await eventually("KEDA has its autoscaler", async () => ownerOf(await hpa(server)) === "ScaledObject", 60);
    const autoscalers = await world.kube.list("HorizontalPodAutoscaler");
    const itsOwn = autoscalers.filter(({ spec }) => spec.scaleTargetRef.name === server);
    expect(itsOwn.map(({ metadata }) => metadata.name)).toEqual([server]);

    await underLoad(server, crowd, async () => {
      await scaledTo(server, 3);
      await answeredBy(3);
    });
    await world.kube.condition(server, "AutoscalingReady", { status: "True", reason: "AutoscalerCounts" }, 60);
  });

  test("keeps its pods while Prometheus is away, however few calls there are, and says why", async () => {
    await scalePrometheus(0);
    await underLoad(server, few, async () => {
      const missing = { status: "False", reason: "CallMetricsMissing" } as const;
      await world.kube.condition(server, "AutoscalingReady", missing, 150);
    });
    await scaledTo(server, 3);
    await world.kube.condition(server, "Ready", { status: "True" });
  });

  test("comes down with its calls when Prometheus is back, and no call is lost", async () => {
    await scalePrometheus(1);
    await underLoad(server, few, () => scaledTo(server, 1));
    await world.kube.condition(server, "AutoscalingReady", { status: "True" }, 60);
  });

  test("whatever KEDA has added to it, its ScaledObject was written once", () => {
    const auditLog = inject("auditLog");
    // A cluster of somebody's own tells nobody who has written what.
    if (auditLog === "") return;
    const ofIt = writesOf(operatorRequests(auditLog, world.kube.namespace)).filter(
      ({ resource, name }) => resource === "scaledobjects" && name === server,
    );
    expect(ofIt.map(({ verb, code }) => [verb, code])).toEqual([["patch", 201]]);
  });

  test("a crowd that listens makes no server grow", async () => {
    await world.kube.applyServer("listened", {
      image: conformance,
      autoscaling: { ...bounds, callsInFlight: 5 },
      ...told,
    });
    await world.kube.condition("listened", "Ready", { status: "True" }, 150);
    const url = `http://${await serviceAddress(world.kube.client, world.kube.namespace, "listened")}/mcp`;
    // Without any call, nobody would know that there are few.
    await eventually("it answers", async () => (await world.driver.send(message(url, "tools/list"))).status === 200);
    await world.kube.condition("listened", "AutoscalingReady", { status: "True" }, 120);

    const filter = { params: { notifications: { toolsListChanged: true } } };
    const listening = { ...message(url, "subscriptions/listen", filter), timeout: 20_000 };
    const answers = await world.driver.sendAll(Array.from({ length: 100 }, () => listening));
    expect(answers.filter(({ status, complete }) => status === 200 && !complete)).toHaveLength(100);
    const sum = `sum(mcp_server_operation_duration_seconds_sum{service_name="listened",mcp_method_name="subscriptions/listen"})`;
    // As calls, they would want all pods that there may be.
    await eventually("Prometheus knows of the streams", async () => ((await asked(sum))[0] ?? 0) > 1900, 60);
    const before = await queries();
    await eventually("KEDA has asked for them some times since", async () => (await queries()) >= before + 6, 150);
    const { status } = (await hpa("listened"))!;
    expect(status.desiredReplicas).toBe(1);
    expect(status.lastScaleTime).toBeUndefined();
    await world.kube.condition("listened", "AutoscalingReady", { status: "True" });
  });

  test("its autoscaler is the server's own again when calls count no more", async () => {
    await world.kube.applyServer("listened", { image: conformance, autoscaling: { ...bounds, cpu: 60 }, ...told });
    await eventually("KEDA has let it go", async () => ownerOf(await hpa("listened")) === "McpServer", 90);
    expect(await world.kube.get("ScaledObject", "listened")).toBeUndefined();
    expect((await world.kube.get("Deployment", "listened"))?.spec.replicas).toBe(1);
  });
});
