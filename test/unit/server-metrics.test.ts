// What the operator tells Prometheus: of each server, and that all of it is documented.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMetrics } from "../../operator/telemetry/metrics.ts";
import { serverMetrics, serverMetricsText, type ToldServer } from "../../operator/telemetry/server-metrics.ts";
import { namesInTable } from "../support/pages.ts";
import { root } from "../support/processes.ts";

const since = "2026-11-21T17:00:00Z";
const condition = (type: string, status: string, reason = "R") => ({ type, status, reason, lastTransitionTime: since });
const server = (more: Partial<ToldServer> = {}): ToldServer => ({
  namespace: "shop",
  name: "basket",
  conditions: [condition("Ready", "True"), condition("Stalled", "False"), condition("Available", "True")],
  pools: [{ name: "main", replicas: 3, readyReplicas: 2 }],
  ...more,
});
const linesOf = (...servers: ToldServer[]) =>
  serverMetricsText(() => servers)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

test("a server that is well has a line for Ready and two for each pool", () => {
  expect(linesOf(server())).toEqual([
    'anypod_server_ready{service_namespace="shop",service_name="basket"} 1',
    'anypod_server_pods{service_namespace="shop",service_name="basket",anypod_pool="main"} 3',
    'anypod_server_ready_pods{service_namespace="shop",service_name="basket",anypod_pool="main"} 2',
  ]);
});

test("what is wrong is told with its reason and since when; that something is being changed is nothing wrong", () => {
  const conditions = [
    condition("Ready", "False", "CrashLoopBackOff"),
    condition("Reconciling", "True", "CrashLoopBackOff"),
    condition("Stalled", "True", "ProgressDeadlineExceeded"),
    condition("TaskStoreReady", "True"),
    condition("TelemetryReady", "False", "EndpointRefuses"),
  ];
  const of = 'anypod_server_problem_since_timestamp_seconds{service_namespace="shop",service_name="basket"';
  const at = Date.parse(since) / 1000;
  expect(linesOf(server({ conditions, pools: [] }))).toEqual([
    'anypod_server_ready{service_namespace="shop",service_name="basket"} 0',
    `${of},condition="Ready",reason="CrashLoopBackOff"} ${at}`,
    `${of},condition="Stalled",reason="ProgressDeadlineExceeded"} ${at}`,
    `${of},condition="TelemetryReady",reason="EndpointRefuses"} ${at}`,
  ]);
});

test("a server that nobody has looked at isn't Ready", () => {
  expect(linesOf(server({ conditions: [], pools: [] }))).toEqual([
    'anypod_server_ready{service_namespace="shop",service_name="basket"} 0',
  ]);
});

test("a reason with signs that mean something to Prometheus doesn't break the line", () => {
  const [, problem] = linesOf(server({ conditions: [condition("Ready", "False", 'a"b\\c\nd')], pools: [] }));
  expect(problem).toMatch(/reason="a\\"b\\\\c\\nd"\} \d+$/);
});

test("docs/metrics.md has a row for every metric, and no other", async () => {
  const { registry } = createMetrics({ workers: 1, queueLength: () => 0, serverCounts: () => new Map() });
  const own = [...registry.getMetricsAsArray(), ...serverMetrics].map(({ name }) => name);
  const ofProcess = /^(process|nodejs)_/;
  const documented = namesInTable(readFileSync(join(root, "docs/metrics.md"), "utf8"), "Metrics");
  expect(documented.filter((name) => !ofProcess.test(name)).sort()).toEqual(
    own.filter((name) => !ofProcess.test(name)).sort(),
  );
  expect(documented).toEqual(expect.arrayContaining(["process_*", "nodejs_*"]));
});
