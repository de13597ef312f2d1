// All that a platform team gets to see, with the real Prometheus Operator and a real Prometheus: the chart's monitor, rules and
// dashboard, and servers' PodMonitors, beside servers under load. Each panel shows something, and what goes wrong is seen where
// it should be. With ANYPOD_PICTURES, the picture of the docs is drawn from what Prometheus answers here.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { alertNames } from "../../charts/generate/alerts.ts";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { poolName } from "../../operator/desired/names.ts";
import { installMonitoring, prometheusProxy, removeMonitoring } from "../cluster/addons/monitoring.ts";
import { attachCluster, type Cluster } from "../cluster/index.ts";
import { drawDashboard } from "../pictures/dashboard.ts";
import { collector } from "../support/collector-image.ts";
import { dashboard, drawn, filledIn, type Panel } from "../support/dashboard.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { basket as image } from "../support/images.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { root } from "../support/processes.ts";
import { numbersOf, type Prometheus, prometheusAt, type Series } from "../support/prometheus.ts";
import { eventually } from "../support/wait.ts";
import { type Helm, type Packages, podsIn, removeNamespace, restrictedNamespace, startHelm } from "./charts.ts";
import { redisEngine, storeImages } from "./engines.ts";
import { type Message, price, type Speaker, speaker } from "./tasks.ts";

vi.setConfig({ testTimeout: 400_000 });

let cluster: Cluster;
let helm: Helm;
let packages: Packages;
let monitoring: TestKube;
let system: TestKube;
let shop: TestKube;
let driver: Driver;
let prometheus: Prometheus;
let customers: Customers;

const resources = { requests: { cpu: "10m", memory: "64Mi" } };
const metrics = { interval: "5s" };
const telemetry: SpecInput["telemetry"] = {
  collector: {
    exporters: { debug: {} },
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } },
  },
  metrics,
};
/** One with all that the dashboard has rows for, one that shares its collector, one that never gets its image. */
const servers: Record<string, SpecInput> = {
  basket: {
    image,
    replicas: 2,
    resources,
    telemetry,
    taskStore: redisEngine.spec(),
    pools: [{ name: "wrap", tools: ["gift_wrap"], replicas: 1 }],
  },
  other: { image, replicas: 1, resources, telemetry: { shared: { name: "basket" } } },
  broken: { image: "localhost/nowhere:1", imagePullPolicy: "Never", replicas: 1, resources },
};

beforeAll(async () => {
  cluster = (await attachCluster(inject("cluster")))!;
  helm = await startHelm();
  packages = await helm.package(root, ["anypod"]);
  [monitoring, system, shop] = await Promise.all([
    testKube(inject("kubeconfig")),
    restrictedNamespace(),
    restrictedNamespace(),
  ]);
  const log = (line: string) => console.log(line);
  await installMonitoring(cluster, monitoring.namespace, { log });
  prometheus = prometheusAt(monitoring.client, prometheusProxy(monitoring.namespace));
  const values = [
    ...["image.repository=localhost/anypod", "replicas=2", `collectorImage=${collector}`],
    ...[`taskStores.redisImage=${storeImages.redis}`, "metrics.serviceMonitor.interval=5s"],
    ...["serviceMonitor", "prometheusRule", "dashboard"].map((name) => `metrics.${name}.enabled=true`),
  ];
  await helm.on("install", "anypod", system, packages.of("anypod"), ...values.flatMap((each) => ["--set", each]));
  driver = await startDriver(shop.client, shop.namespace);
  for (const [name, spec] of Object.entries(servers)) await shop.applyServer(name, spec);
  for (const name of ["basket", "other"]) await shop.condition(name, "Ready", { status: "True" }, 150);
  customers = await letCustomersIn();
});

afterAll(async () => {
  await customers?.leave();
  await helm.on("uninstall", "anypod", system, "--ignore-not-found");
  for (const kube of [shop, system]) await removeNamespace(kube);
  await removeMonitoring(cluster, monitoring.namespace);
  await removeNamespace(monitoring);
  packages.remove();
});

interface Customers {
  /** From now on, so many in a hundred of their orders are wrong. */
  orders(failing: number): void;
  leave(): Promise<void>;
}

const call = (name: string, args: object): Message => ({ method: "tools/call", params: { name, arguments: args } });
const wrapping = call("gift_wrap", { milliseconds: 400 });
const order = (basket: string) => call("add_item", { basket_id: basket, item: "tea" });
/** For a basket that nobody has: an error of the tool's. */
const wrongOrder = order("nobody-s");
const listing: Message = { method: "tools/list", params: {} };

/** Calls of all kinds until they leave, so that whoever looks sees something. */
async function letCustomersIn(): Promise<Customers> {
  const urlOf = async (service: string) => `http://${await serviceAddress(shop.client, shop.namespace, service)}/mcp`;
  const [main, wrap, other] = await Promise.all([urlOf("basket"), urlOf(poolName("basket", "wrap")), urlOf("other")]);
  const all: Speaker = speaker(driver);
  // A new Service is no call's way until the node's proxy has heard of it.
  const answers = [main, wrap, other].map((url) => eventually(`${url} answers`, () => all.makeBasket(url), 60));
  const [basket = ""] = await Promise.all(answers);
  let failing = 0;
  let left = false;
  const again = async (round: (number: number) => Promise<unknown>) => {
    for (let number = 0; !left; number += 1) await round(number).catch((error: Error) => console.log(error.message));
  };
  const shopping = [
    again(async (number) => {
      const isWrong = (number * 37) % 100 < failing;
      await all.ask(main, [price, price, listing, isWrong ? wrongOrder : order(basket)]);
    }),
    again(() => all.ask(wrap, [wrapping, wrapping])),
    again(() => all.ask(other, [price, listing])),
    again(async () => {
      const task = await all.makeTask(main, basket, { milliseconds: 500 });
      await eventually("the task is done", async () => (await all.task(main, task)).status === "completed");
    }),
    // A kubelet brings what monitors changed when it looks at Prometheus' pod again: in a minute or two, or when that changes.
    again(async (number) => {
      for (const { metadata } of await podsIn(monitoring, "app.kubernetes.io/name=prometheus"))
        await monitoring.client.json({
          method: "PATCH",
          path: `/api/v1/namespaces/${monitoring.namespace}/pods/${metadata.name}`,
          contentType: "application/merge-patch+json",
          body: { metadata: { annotations: { "example.com/look": String(number) } } },
        });
      await delay(5000);
    }),
    // An operator is silent where nothing changes: this changes a budget, and no pod.
    again(async (number) => {
      await shop.patch("McpServer", "basket", { spec: { disruption: { maxUnavailable: 1 + (number % 2) } } });
      await delay(1000);
    }),
  ];
  return {
    orders: (share) => {
      failing = share;
    },
    leave: async () => {
      left = true;
      await Promise.all(shopping);
    },
  };
}

/** As long as a rate looks back, and twice that. */
const window = 60;
const step = 5;

const answersOf = (panel: Panel): Promise<Series[]>[] =>
  panel.targets.map(({ expr, instant }) =>
    instant ? prometheus.now(filledIn(expr)) : prometheus.lately(filledIn(expr), window, step),
  );
const panelOf = (title: string) => {
  const found = drawn.find((panel) => panel.title === title);
  if (!found) throw new Error(`there is no panel ${title}`);
  return found;
};
/** A panel's first query, for the servers of this test. */
const askedBy = (title: string, chosen: Record<string, string> = {}) =>
  filledIn(panelOf(title).targets[0]!.expr, { namespace: shop.namespace, ...chosen });
/** What it says now, by one of its labels. */
async function shown(title: string, label: string): Promise<Record<string, number>> {
  const series = await prometheus.now(askedBy(title));
  return Object.fromEntries(series.map(({ metric, values }) => [metric[label] ?? "", Number(values[0]![1])]));
}

test("Prometheus scrapes what monitors say, and whose metrics they are stands on all of them", async () => {
  await eventually(
    "all targets are up",
    async () => {
      const up = await prometheus.now("count by (job) (up == 1)");
      const jobs = up.map(({ metric }) => metric.job ?? "");
      const isOfCollector = (job: string) => job.startsWith(`${shop.namespace}/basket-collector`);
      if (jobs.some(isOfCollector) && jobs.includes("anypod-metrics")) return true;
      throw new Error(`up are ${jobs.join(", ")}`);
    },
    300,
  );
  const of = `service_namespace="${shop.namespace}"`;
  const labels = "service_name, anypod_pool, mcp_method_name, gen_ai_tool_name";
  const calls = await eventually(
    "calls are told of",
    async () => {
      const told = await prometheus.now(`count by (${labels}) (mcp_server_operation_duration_seconds_count{${of}})`);
      const names = new Set(told.map(({ metric }) => `${metric.service_name}/${metric.anypod_pool}`));
      return ["basket/main", "basket/wrap", "other/main"].every((name) => names.has(name)) && told;
    },
    90,
  );
  const tools = calls.map(({ metric }) => metric.gen_ai_tool_name);
  expect(tools).toEqual(expect.arrayContaining(["price", "gift_wrap", "add_item", "pack_basket"]));
  const told = await prometheus.now(`count by (k8s_pod_name) (mcp_server_operation_duration_seconds_count{${of}})`);
  const pods = await podsIn(shop, "app.kubernetes.io/component=mcp-server,anypod.dev/server!=broken");
  expect(told.map(({ metric }) => metric.k8s_pod_name)).toEqual(
    expect.arrayContaining(pods.map(({ metadata }) => metadata.name)),
  );
});

test("Prometheus takes all alerts of the chart, and can evaluate them", async () => {
  interface Rules {
    groups: { rules: { name: string; health: string; lastError?: string }[] }[];
  }
  await eventually(
    "all have been evaluated",
    async () => {
      const { groups } = await prometheus.ask<Rules>("/api/v1/rules");
      const rules = groups.flatMap((group) => group.rules).filter(({ name }) => /^(Mcp|Anypod)/.test(name));
      const sick = rules.filter(({ health }) => health !== "ok");
      if (sick.length > 0) throw new Error(JSON.stringify(sick));
      const names = rules.map(({ name }) => name).sort();
      if (names.join() === alertNames().sort().join()) return true;
      throw new Error(`there are ${names.join(", ")}`);
    },
    90,
  );
});

test("what can be chosen above the panels is what there is", async () => {
  const valuesOf = async (label: string) =>
    prometheus.ask<string[]>(`/api/v1/label/${label}/values`, { "match[]": "anypod_server_pods" });
  expect(await valuesOf("service_namespace")).toContain(shop.namespace);
  expect(await valuesOf("service_name")).toEqual(expect.arrayContaining(["basket", "other"]));
  expect(await valuesOf("anypod_pool")).toEqual(expect.arrayContaining(["main", "wrap"]));
  for (const { query } of dashboard.templating.list)
    if (typeof query !== "string") {
      const [, metric = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? [];
      const match = filledIn(metric);
      expect(await prometheus.ask<string[]>(`/api/v1/label/${label}/values`, { "match[]": match })).not.toEqual([]);
    }
});

describe("every panel shows something, in numbers that its unit takes", () => {
  const most: Record<string, number> = { short: 1000, reqps: 2000, percentunit: 1, s: 3600, bytes: 2 ** 31 };

  test.each(drawn.map((panel) => [panel.title, panel] as const))("%s", async (_, panel) => {
    // The panels of errors show some only when there are some.
    customers.orders(50);
    const answers = await eventually(
      "each of its queries has numbers",
      async () => {
        const all = await Promise.all(answersOf(panel));
        const empty = panel.targets.filter((_, index) => numbersOf(all[index]!).length === 0);
        if (empty.length > 0) throw new Error(`none of ${empty.map(({ expr }) => expr).join(", ")}`);
        return all;
      },
      90,
    );
    const numbers = answers.flatMap(numbersOf);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(most[panel.fieldConfig.defaults.unit]!);
  });
});

describe("numbers are those that there are", () => {
  test("of servers, of pods, and of calls by server, tool and pool", async () => {
    expect(await shown("Servers", "none")).toEqual({ "": 3 });
    expect(await shown("Not Ready", "none")).toEqual({ "": 1 });
    const pods = await prometheus.now(askedBy("Pods that take calls"));
    const counts = pods.map(({ metric, values }) => [metric.service_name, metric.anypod_pool, Number(values[0]![1])]);
    expect(counts).toEqual(
      expect.arrayContaining([
        ["basket", "main", 2],
        ["basket", "wrap", 1],
        ["other", "main", 1],
        ["broken", "main", 0],
      ]),
    );
    const byTool = await shown("Calls of tools", "gen_ai_tool_name");
    expect(byTool.price).toBeGreaterThan(byTool.add_item!);
    const byPool = await shown("Calls of pools", "anypod_pool");
    expect(byPool.wrap).toBeGreaterThan(0);
  });

  test("of how long a call takes, and how many are at work: a tool takes 400 ms, and two are always called", async () => {
    const longest = await shown("p95 of tools", "gen_ai_tool_name");
    expect(longest.gift_wrap).toBeGreaterThan(0.2);
    expect(longest.gift_wrap).toBeLessThan(2);
    expect(longest.price).toBeLessThan(longest.gift_wrap!);
    const atWork = await prometheus.now(askedBy("In flight", { server: "basket", pool: "wrap" }));
    const [inFlight = 0] = numbersOf(atWork);
    expect(inFlight).toBeGreaterThan(0.5);
    expect(inFlight).toBeLessThan(2.5);
  });
});

describe("what goes wrong is seen", () => {
  test("a server that doesn't get ready: which, why and for how long", async () => {
    const [row] = (await prometheus.now(askedBy("What is wrong"))).filter(
      ({ metric }) => metric.service_name === "broken" && metric.condition === "Ready",
    );
    expect(row?.metric).toMatchObject({ service_namespace: shop.namespace, reason: "ErrImageNeverPull" });
    expect(numbersOf([row!])[0]).toBeGreaterThan(10);
  });

  test("a tool that fails: its errors, and no other's", async () => {
    customers.orders(100);
    await eventually(
      "all orders fail",
      async () => {
        const share = await shown("Errors of tools", "gen_ai_tool_name");
        if (share.add_item! > 0.9 && share.price === 0) return true;
        throw new Error(JSON.stringify(share));
      },
      90,
    );
    customers.orders(0);
    await eventually("none does", async () => (await shown("Errors of tools", "gen_ai_tool_name")).add_item === 0, 90);
  });

  test("a store that is away: in the table and among the stores, until it is back", async () => {
    const of = `service_namespace="${shop.namespace}",condition="TaskStoreReady"`;
    const problems = `anypod_server_problem_since_timestamp_seconds{${of}}`;
    expect(await prometheus.now(problems)).toEqual([]);
    const [store] = await shop.list("StatefulSet", "anypod.dev/server=basket");
    const path = `/api/v1/namespaces/${shop.namespace}/pods`;
    // Nothing can be started there any more.
    await shop.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${shop.namespace}/resourcequotas`,
      body: { metadata: { name: "none" }, spec: { hard: { pods: "0" } } },
    });
    await shop.client.json({ method: "DELETE", path: `${path}/${store!.metadata.name}-0` });
    await eventually(
      "the panels show it",
      async () => {
        const stores = await shown("Task stores", "status");
        const [problem] = await prometheus.now(problems);
        return stores.False === 1 && problem?.metric.service_name === "basket";
      },
      90,
    );
    await shop.client.json({ method: "DELETE", path: `/api/v1/namespaces/${shop.namespace}/resourcequotas/none` });
    await shop.condition("basket", "TaskStoreReady", { status: "True" }, 120);
    await eventually("the problem is gone", async () => (await prometheus.now(problems)).length === 0, 60);
  });
});

if (process.env.ANYPOD_PICTURES)
  test("the picture of the dashboard is drawn", async () => {
    await drawDashboard(prometheus);
  });
