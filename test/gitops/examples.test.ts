// The examples of GitOps are what Argo CD, Flux and the charts take.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { problemsOf, rendered } from "../charts/support.ts";
import { root } from "../support/processes.ts";

const folder = join(root, "examples/gitops");
const files = globSync("**/*.yaml", { cwd: folder }).sort();
const textOf = (file: string) => readFileSync(join(folder, file), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: the kinds of two tools
type Resource = { kind: string; metadata: { name: string }; spec: any };
const resources = files.flatMap((file) => loadAll(textOf(file)) as Resource[]);
const ofKind = (kind: string) => resources.filter((resource) => resource.kind === kind);
const named = (kind: string, name: string) => ofKind(kind).find(({ metadata }) => metadata.name === name);
const versionOf = (chart: string) =>
  (load(readFileSync(join(root, "charts", chart, "Chart.yaml"), "utf8")) as { version: string }).version;

test.each(files)("%s is what the schemas of its kinds take", async (file) => {
  expect(await problemsOf(textOf(file))).toBe("");
});

test.each([
  ["an Application", "Application", { project: "a", destination: {}, sorce: {} }],
  ["an ApplicationSet", "ApplicationSet", { generators: [{ lst: {} }], template: {} }],
])("a typo in %s would be found", async (_, kind, spec) => {
  const object = { apiVersion: "argoproj.io/v1alpha1", kind, metadata: { name: "a" }, spec };
  expect(await problemsOf(JSON.stringify(object))).not.toBe("");
});

test.each([
  ["a Kustomization", "kustomize.toolkit.fluxcd.io/v1", "Kustomization", { interval: "1m", prun: true }],
  ["a HelmRelease", "helm.toolkit.fluxcd.io/v2", "HelmRelease", { interval: "1m", chartReff: {} }],
  ["an OCIRepository", "source.toolkit.fluxcd.io/v1", "OCIRepository", { interval: "1m", ur: "oci://a/b" }],
])("a typo in %s would be found", async (_, apiVersion, kind, spec) => {
  expect(await problemsOf(JSON.stringify({ apiVersion, kind, metadata: { name: "a" }, spec }))).not.toBe("");
});

describe("charts are those of this version, and take the values, in", () => {
  const applications = ofKind("Application").filter(({ spec }) => spec.source.chart);
  test.each(applications.map((each) => [each.metadata.name, each] as const))("Application %s", async (_, { spec }) => {
    const { chart, targetRevision, helm } = spec.source;
    expect(targetRevision).toBe(versionOf(chart));
    expect(await rendered({ chart, values: helm?.valuesObject ?? {} })).not.toEqual([]);
  });

  const [{ spec: set }] = ofKind("ApplicationSet") as [Resource];
  const elements: Record<string, string>[] = set.generators[0].list.elements;
  test.each(elements.map((each) => [each.environment, each] as const))("ApplicationSet for %s", async (_, element) => {
    const { chart, targetRevision, helm } = set.template.spec.source;
    expect(targetRevision).toBe(versionOf(chart));
    const text = (helm.values as string).replaceAll(/\{\{\.(\w+)\}\}/g, (_whole, name) => element[name] ?? "missing");
    const [server] = await rendered({ chart, name: helm.releaseName, values: load(text) as object });
    expect(server).toMatchObject({ kind: "McpServer", metadata: { name: "basket" }, spec: { image: element.image } });
  });

  test.each(ofKind("HelmRelease").map((each) => [each.metadata.name, each] as const))(
    "HelmRelease %s",
    async (_, { spec }) => {
      const source = named("OCIRepository", spec.chartRef.name);
      const chart = source?.spec.url.split("/").at(-1);
      expect(source?.spec.ref.tag).toBe(versionOf(chart));
      expect(await rendered({ chart, name: spec.releaseName, values: spec.values ?? {} })).not.toEqual([]);
    },
  );
});

test("what depends on something depends on something that is there", () => {
  for (const { kind, spec } of [...ofKind("Kustomization"), ...ofKind("HelmRelease")])
    for (const { name } of spec.dependsOn ?? []) expect(named(kind, name)?.metadata.name).toBe(name);
});
