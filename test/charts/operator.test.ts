// The operator's pods as the chart makes them.

import { parseArgs } from "node:util";
import { expect, test } from "vitest";
import { readConfig, runOptions } from "../../operator/config.ts";
import { restrictedProblems } from "../support/restricted.ts";
import { ofKind, type Rendered, rendered } from "./support.ts";

const objects = (values: object = {}) => rendered({ chart: "anypod", values });
const podOf = (all: Rendered[]) => ofKind(all, "Deployment")[0]!.spec.template;
const containerOf = (all: Rendered[]) => podOf(all).spec.containers[0];

/** What the operator makes of the container's arguments. */
async function settings(values: object) {
  const [command, ...args] = containerOf(await objects(values)).args as string[];
  expect(command).toBe("run");
  const { values: flags } = parseArgs({ args, options: runOptions });
  return readConfig(flags, { KUBERNETES_SERVICE_HOST: "10.0.0.1", POD_NAMESPACE: "anypod-system" });
}

test("pods meet the standard `restricted`, and write nowhere", async () => {
  const all = await objects();
  expect(restrictedProblems(podOf(all).spec)).toEqual([]);
  expect(containerOf(all).securityContext.readOnlyRootFilesystem).toBe(true);
  expect(containerOf(all).volumeMounts.every((mount: { readOnly?: boolean }) => mount.readOnly)).toBe(true);
});

test("a level of the log reaches pods by a file, so that another one replaces none of them", async () => {
  const [info, debug] = [await objects(), await objects({ logLevel: "debug" })];
  expect(podOf(debug)).toEqual(podOf(info));
  const { volumes } = podOf(debug).spec;
  const { name, mountPath } = containerOf(debug).volumeMounts[0];
  const { configMap } = volumes.find((volume: { name: string }) => volume.name === name);
  const { data } = debug.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === configMap.name)!;
  expect(data).toEqual({ level: "debug" });
  expect((await settings({})).logLevelFile).toBe(`${mountPath}/level`);
});

test("traces of the operator's own work are sent where the values say, and nowhere without", async () => {
  const variables = async (values: object) =>
    Object.fromEntries(
      containerOf(await objects(values)).env.map((each: { name: string; value?: string }) => [each.name, each.value]),
    );
  expect(Object.keys(await variables({})).filter((name) => name.startsWith("OTEL"))).toEqual([]);
  expect(await variables({ tracing: { endpoint: "http://collector:4318", samplingPercent: 10 } })).toMatchObject({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    OTEL_TRACES_SAMPLER_ARG: "0.1",
  });
});

test("the operator understands its arguments, and takes from them what the values say", async () => {
  expect(await settings({})).toMatchObject({
    namespaces: [],
    selector: undefined,
    workers: 8,
    prometheusUrl: undefined,
    leaderElection: "anypod-system",
    metricsAddress: ":8080",
    healthAddress: ":8081",
  });
  const selector = "tier=mcp,team in (a, b)";
  const prometheusUrl = "https://prometheus.example.com/tenant";
  const common = { selector, workers: 3, prometheusUrl };
  const values = { ...common, watchNamespaces: ["a", "b", "a"], metrics: { port: 9090 } };
  expect(await settings(values)).toMatchObject({
    namespaces: ["a", "b"],
    ...common,
    metricsAddress: ":9090",
  });
  expect((await settings({ metrics: { enabled: false } })).metricsAddress).toBeUndefined();
  expect((await settings({ extraArgs: ["--no-leader-elect"] })).leaderElection).toBeUndefined();
});

test("probes ask where the operator answers", async () => {
  const { ports, livenessProbe, readinessProbe, startupProbe } = containerOf(await objects());
  expect(ports).toContainEqual({ name: "health", containerPort: 8081 });
  expect(livenessProbe.httpGet).toEqual({ path: "/healthz", port: "health" });
  expect(startupProbe.httpGet).toEqual({ path: "/healthz", port: "health" });
  expect(readinessProbe.httpGet).toEqual({ path: "/readyz", port: "health" });
});

test("every selector meets the pods, whatever labels are asked for", async () => {
  const own = "app.kubernetes.io/name";
  const all = await objects({
    podLabels: { [own]: "other", team: "a" },
    commonLabels: { [own]: "other", "app.kubernetes.io/instance": "other" },
    metrics: { serviceMonitor: { enabled: true } },
  });
  const { labels } = podOf(all).metadata;
  expect(labels.team).toBe("a");
  const find = (kind: string) => ofKind(all, kind)[0]!;
  const selectors = [
    find("Deployment").spec.selector.matchLabels,
    find("Service").spec.selector,
    find("PodDisruptionBudget").spec.selector.matchLabels,
    find("NetworkPolicy").spec.podSelector.matchLabels,
    ...podOf(all).spec.topologySpreadConstraints.map((each: Rendered) => each.labelSelector.matchLabels),
  ];
  expect(selectors).toHaveLength(6);
  for (const selector of selectors) expect(labels).toMatchObject(selector);
  expect(find("Service").metadata.labels).toMatchObject(find("ServiceMonitor").spec.selector.matchLabels);
});

test("an upgrade of the chart alone rolls no pod", async () => {
  const { labels, annotations } = podOf(await objects()).metadata;
  expect(JSON.stringify([labels, annotations])).not.toMatch(/helm\.sh\/chart|\/version/);
});

test("the image is the chart's version, or what the values say, by digest where there is one", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const image = async (values: object) => containerOf(await objects({ image: values })).image as string;
  expect(await image({})).toMatch(/^[a-z.-]+\/[a-z-]+\/anypod:\d+\.\d+\.\d+$/);
  expect(await image({ repository: "mirror/anypod", tag: "9" })).toBe("mirror/anypod:9");
  expect(await image({ repository: "mirror/anypod", tag: "9", digest })).toBe(`mirror/anypod:9@${digest}`);
});

test("a budget is there when there is a pod to spare", async () => {
  expect(ofKind(await objects({ replicas: 2 }), "PodDisruptionBudget")).toHaveLength(1);
  expect(ofKind(await objects({ replicas: 1 }), "PodDisruptionBudget")).toEqual([]);
});
