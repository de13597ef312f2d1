// What TelemetryReady says, for all that can be known of a server's telemetry.
import { describe, expect, test } from "vitest";
import type { TelemetryState } from "../../operator/status/observed.ts";
import { telemetryVerdict } from "../../operator/status/telemetry.ts";

const collector: TelemetryState = {
  source: "collector",
  namespace: "shop",
  monitor: undefined,
  name: "basket-collector",
  byOperator: false,
  ready: 1,
  problem: undefined,
  validator: "validate",
  lacks: undefined,
};
const problem = {
  pod: "p",
  pool: "",
  createdAt: "",
  container: "validate",
  reason: "CrashLoopBackOff",
  message: "no such exporter",
};
const endpoint: TelemetryState = {
  source: "endpoint",
  namespace: "shop",
  monitor: undefined,
  url: "https://otel.example.com",
  lacks: undefined,
  answer: { ok: true },
};
const condition = {
  type: "TelemetryReady",
  status: "True" as const,
  reason: "x",
  message: "m",
  lastTransitionTime: "",
};
const shared: TelemetryState = {
  source: "shared",
  namespace: "shop",
  monitor: undefined,
  name: "lender",
  found: "found",
  condition,
};
const scraped: TelemetryState = { source: "server", namespace: "shop", monitor: "installed", name: "basket" };
const of = (state: TelemetryState) => telemetryVerdict(state, undefined);

describe("all is well", () => {
  test.each<[string, TelemetryState]>([
    ["with a collector that has a pod", collector],
    ["with an endpoint that takes it", endpoint],
    ["with an endpoint that nobody asks", { ...endpoint, answer: "not asked" }],
    ["with another server's collector that is well", shared],
    ["with nothing but metrics that are scraped", scraped],
    ["with metrics of a collector that are scraped", { ...collector, monitor: "installed" }],
  ])("%s", (_, state) => {
    expect(of(state)).toMatchObject({ status: "True", reason: "TelemetryFlows" });
  });
});

describe("what is wrong is told, and what to do, and what becomes of calls", () => {
  test.each<[string, TelemetryState, string, RegExp]>([
    [
      "no pod yet of the OpenTelemetry Operator",
      { ...collector, byOperator: true, ready: undefined },
      "CollectorStarting",
      /see whether the OpenTelemetry Operator runs.*describe opentelemetrycollector basket-collector/,
    ],
    ["no pod yet", { ...collector, ready: undefined }, "CollectorStarting", /kubectl -n shop get pods/],
    [
      "a configuration that it refuses",
      { ...collector, problem: { ...problem, exitCode: 1 } },
      "CollectorConfigInvalid",
      /no such exporter\. Correct spec\.telemetry\.collector\. The collector runs on with its last good configuration/,
    ],
    [
      "the same with none before it",
      { ...collector, ready: undefined, problem: { ...problem, exitCode: 1 } },
      "CollectorConfigInvalid",
      /pods drop what they would send; calls go on/,
    ],
    [
      "an image that can't be had",
      { ...collector, problem: { ...problem, reason: "ImagePullBackOff", message: "not found" } },
      "ImagePullBackOff",
      /pod p doesn't run: not found\..*kubectl -n shop describe pod p/,
    ],
    [
      "a Secret that isn't there",
      { ...collector, lacks: { kind: "Secret", name: "tracing", use: "collector" } },
      "SecretNotFound",
      /Secret tracing isn't in namespace shop.*create it/,
    ],
    [
      "headers that aren't there",
      { ...endpoint, lacks: { name: "tracing" } },
      "SecretNotFound",
      /Secret tracing.*Calls go on/,
    ],
    [
      "headers without their key",
      { ...endpoint, lacks: { name: "tracing", key: "headers" } },
      "SecretKeyNotFound",
      /key headers of Secret tracing/,
    ],
    [
      "an endpoint out of reach",
      { ...endpoint, answer: { ok: false, why: "unreachable", said: "ECONNREFUSED" } },
      "EndpointUnreachable",
      /ECONNREFUSED.*Calls go on; telemetry is lost/,
    ],
    [
      "an endpoint that refuses",
      { ...endpoint, answer: { ok: false, why: "refused", said: "HTTP 401" } },
      "EndpointRefuses",
      /HTTP 401.*headers and path/,
    ],
    ["a server that isn't there", { ...shared, found: "missing" }, "CollectorNotFound", /isn't in namespace shop/],
    [
      "a server without a collector",
      { ...shared, found: "without collector" },
      "CollectorNotFound",
      /no collector or endpoint/,
    ],
    [
      "another server's trouble",
      { ...shared, condition: { ...condition, status: "False", reason: "CollectorStarting", message: "it starts" } },
      "CollectorStarting",
      /collector of McpServer lender: it starts/,
    ],
    [
      "no kind to tell Prometheus with",
      { ...scraped, monitor: "absent" },
      "PodMonitorNotInstalled",
      /install the Prometheus Operator.*calls and all other telemetry go on/,
    ],
    [
      "the same with a collector that is well",
      { ...collector, monitor: "absent" },
      "PodMonitorNotInstalled",
      /install the Prometheus Operator/,
    ],
    [
      "a collector's own trouble before that",
      { ...collector, ready: undefined, monitor: "absent" },
      "CollectorStarting",
      /no pod that takes telemetry/,
    ],
  ])("%s", (_, state, reason, message) => {
    expect(of(state)).toMatchObject({ status: "False", reason, message: expect.stringMatching(message) });
  });
});

test("while an endpoint hasn't answered, what was told stands", () => {
  const asked: TelemetryState = { ...endpoint, answer: undefined };
  const before = { status: "True" as const, reason: "TelemetryFlows", message: "as it was" };
  expect(telemetryVerdict(asked, before)).toEqual(before);
  expect(of(asked)).toMatchObject({ status: "False", reason: "CollectorStarting" });
});
