// What `telemetry.metrics` leads to, and what of it is refused.
import { describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { parseSpec } from "../../operator/api/parse.ts";
import { desired } from "../../operator/desired/index.ts";
import { unknownRing } from "../../operator/desired/ring.ts";
import { serverOf } from "../support/arbitraries.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const collector = { exporters: { debug: {} } };
const endpoint = { url: "https://otel.example.com" };

type Telemetry = SpecInput["telemetry"];

const both = ["PodMonitor", "OpenTelemetryCollector"];

function objectsOf(
  telemetry: Telemetry,
  more: Partial<SpecInput> = {},
  lender?: Telemetry,
  installed = ["PodMonitor"],
) {
  const server = serverOf("basket", { image, telemetry, ...more });
  const other = lender && serverOf("lender", { image, telemetry: lender });
  const of = other ?? server;
  const owner = { metadata: of.metadata, telemetry: of.spec.telemetry! };
  const isInstalled = (kind: string) => installed.includes(kind);
  const world = { ring: unknownRing, configHash: "", deployments: new Set<string>(), isInstalled };
  const objects = desired(server, { ...world, telemetry: { owner, image: "collector", configHash: "" } });
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  return (kind: string) => objects.filter((object) => object.kind === kind) as any[];
}

const interval = (telemetry: Telemetry, lender?: Telemetry) => {
  const [pods] = objectsOf(telemetry, {}, lender)("Deployment").filter(({ metadata }) => metadata.name === "basket");
  const { env } = pods.spec.template.spec.containers[0];
  return env.find(({ name }: { name: string }) => name === "OTEL_METRIC_EXPORT_INTERVAL")?.value;
};

describe("refused", () => {
  test.each<[string, Partial<SpecInput>, string]>([
    ["neither a place for telemetry nor a port to scrape", { telemetry: {} }, "or metrics.port alone"],
    ["metrics of nobody knows what", { telemetry: { metrics: {} } }, "or metrics.port alone"],
    ["metrics of an endpoint that isn't scraped", { telemetry: { endpoint, metrics: {} } }, "metrics needs port"],
    [
      "metrics of another server's collector",
      { telemetry: { shared: { name: "a" }, metrics: {} } },
      "ask for metrics in the server that has the collector",
    ],
    [
      "the port of calls, with callers that are chosen and scrapers that aren't",
      { network: {}, telemetry: { metrics: { port: 8080 } } },
      "whoever may scrape there may call, too",
    ],
    [
      "an exporter of the name of anypod's own",
      { telemetry: { collector: { exporters: { "prometheus/anypod": {} } } } },
      "name yours otherwise",
    ],
    ["an interval without a unit", { telemetry: { metrics: { port: 1, interval: "30" } } }, "such as 30s"],
    ["a label that isn't one", { telemetry: { metrics: { port: 1, labels: { "a b": "c" } } } }, "a label's key"],
  ])("%s", (_, spec, problem) => {
    expect(JSON.stringify(parseSpec({ image, ...spec }))).toContain(problem);
  });
});

describe("the server's own pods", () => {
  test("are scraped at the port that they tell metrics at, and nowhere else", () => {
    const of = objectsOf({ metrics: { port: 9464 } });
    const [monitor, ...more] = of("PodMonitor");
    expect(more).toEqual([]);
    expect(monitor.spec.podMetricsEndpoints).toMatchObject([{ port: "metrics", path: "/metrics", interval: "30s" }]);
    const { ports } = of("Deployment")[0].spec.template.spec.containers[0];
    expect(ports).toContainEqual({ name: "metrics", containerPort: 9464, protocol: "TCP" });
  });

  test("have one port only, when they tell metrics where they take calls", () => {
    const of = objectsOf({ metrics: { port: 8080 } });
    expect(of("PodMonitor")[0].spec.podMetricsEndpoints[0].port).toBe("mcp");
    expect(of("Deployment")[0].spec.template.spec.containers[0].ports).toHaveLength(1);
  });

  test("let scrapers in beside callers: all pods of the cluster, or those that are named", () => {
    const ingress = (spec: Partial<SpecInput>) => objectsOf(spec.telemetry, spec)("NetworkPolicy")[0].spec.ingress;
    const from = [{ namespaceSelector: { matchLabels: { name: "monitoring" } } }];
    const told = { network: {}, telemetry: { metrics: { port: 9464 } } };
    expect(ingress(told)).toHaveLength(2);
    expect(ingress(told)[1]).toEqual({
      from: [{ namespaceSelector: {} }],
      ports: [{ protocol: "TCP", port: "metrics" }],
    });
    const named = { network: {}, telemetry: { metrics: { port: 8080, from } } };
    expect(ingress(named)[1]).toEqual({ from, ports: [{ protocol: "TCP", port: "mcp" }] });
    expect(ingress({ network: {}, telemetry: { collector, metrics: {} } })).toHaveLength(1);
  });
});

describe("a collector", () => {
  test("tells what it gets, and of itself, when it is asked to", () => {
    const of = objectsOf({ collector, metrics: {} });
    const [monitor, ...more] = of("PodMonitor");
    expect(more).toEqual([]);
    expect(monitor.spec.selector.matchLabels).toMatchObject({ "anypod.dev/role": "collector" });
    const { pipelines } = JSON.parse(of("ConfigMap")[0].data["config.json"]).service;
    expect(pipelines.metrics.exporters).toEqual(["debug", "prometheus/anypod"]);
    expect(pipelines.traces.exporters).toEqual(["debug"]);
  });

  test("has the port that is scraped when the OpenTelemetry Operator runs it", () => {
    const of = objectsOf({ collector, metrics: {} }, {}, undefined, both);
    const { ports } = of("OpenTelemetryCollector")[0].spec;
    expect(of("PodMonitor")[0].spec.podMetricsEndpoints[0].port).toBe(ports[0].name);
  });

  test("is sent metrics as often as it is scraped, by all who use it", () => {
    const metrics = { interval: "10s" };
    expect(interval({ collector, metrics })).toBe("10000");
    expect(interval({ shared: { name: "lender" } }, { collector, metrics })).toBe("10000");
    expect(interval({ collector })).toBeUndefined();
    expect(interval({ endpoint, metrics: { port: 9464 } })).toBeUndefined();
  });
});

test("where there is no PodMonitor, none is made", () => {
  expect(objectsOf({ metrics: { port: 9464 } }, {}, undefined, [])("PodMonitor")).toEqual([]);
});

test("labels that Prometheus selects by are there, and take nothing from anypod's own", () => {
  const labels = { release: "prometheus", "anypod.dev/server": "other" };
  const [monitor] = objectsOf({ metrics: { port: 9464, labels } })("PodMonitor");
  expect(monitor.metadata.labels).toMatchObject({ release: "prometheus", "anypod.dev/server": "basket" });
});
