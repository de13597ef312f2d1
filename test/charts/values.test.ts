// What may stand in values: all of it is documented, all else is refused, with words that help.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { documentedValues } from "../../charts/generate/documented.ts";
import { chartFolder, charts, refusal } from "./support.ts";

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
}

const read = (chart: string, file: string) => readFileSync(join(chartFolder(chart), file), "utf8");
const schemaOf = (chart: string) => JSON.parse(read(chart, "values.schema.json")) as Schema;
/** What Helm puts there itself, for a chart that is a part of another one. */
const ofHelm = ["global", "enabled"];

/** Paths of all values that a schema has a name for and no more names below. */
function named({ properties = {} }: Schema, prefix = ""): string[] {
  return Object.entries(properties)
    .filter(([name]) => prefix !== "" || !ofHelm.includes(name))
    .flatMap(([name, child]) => {
      const isOpen = !child.properties || child.additionalProperties !== false;
      return isOpen ? [`${prefix}${name}`] : named(child, `${prefix}${name}.`);
    });
}

describe.each(["anypod", "anypod-crds"])("%s", (chart) => {
  const values = documentedValues(read(chart, "values.yaml"));
  const paths = new Set(values.map(({ path }) => path));

  test("has a comment for each value that the schema knows, and for no other", () => {
    const known = named(schemaOf(chart)).filter((path) => !path.startsWith("resources."));
    const documented = values.map(({ path }) => path).filter((path) => path !== "resources");
    expect(documented.sort()).toEqual(known.sort());
  });

  test("has a default for each value, and shows it in its README", () => {
    const readme = read(chart, "README.md");
    for (const { path, default: value, description } of values) {
      expect(value, path).toBeDefined();
      expect(readme).toContain(`| \`${path}\` | ${description.replaceAll("|", "\\|")} |`);
    }
    expect(paths.size).toBe(values.length);
  });
});

describe("mcp-server", () => {
  test("has every field of the spec in its values.yaml, as a comment with the default", () => {
    const text = read("mcp-server", "values.yaml");
    const uncommented = text.replaceAll(/^# (?=(?: {2})*(?:- )?[\w'-]+:?)/gm, "");
    for (const path of named(schemaOf("mcp-server")).filter((name) => !name.includes(".")))
      expect(uncommented).toMatch(new RegExp(`^${path}:`, "m"));
    expect(load(text)).toEqual({ nameOverride: "", fullnameOverride: "", labels: {}, annotations: {} });
  });
});

describe("a value is refused", () => {
  test.each<[string, string, object, string]>([
    ["that there isn't", "anypod", { replica: 3 }, "additional properties 'replica' not allowed"],
    [
      "that there isn't, further down",
      "anypod",
      { image: { tga: "1" } },
      "at '/image': additional properties 'tga' not allowed",
    ],
    ["of another type", "anypod", { replicas: "three" }, "at '/replicas': got string, want integer"],
    ["below its least", "anypod", { workers: 0 }, "at '/workers': minimum: got 0, want 1"],
    [
      "that is none of those that there are",
      "anypod",
      { logLevel: "loud" },
      "at '/logLevel': value must be one of 'trace'",
    ],
    [
      "that is no namespace",
      "anypod",
      { watchNamespaces: ["Shop!"] },
      "at '/watchNamespaces/0': 'Shop!' does not match",
    ],
    ["that is no digest", "anypod", { image: { digest: "1.0.0" } }, "at '/image/digest': '1.0.0' does not match"],
    [
      "that the chart can't do without",
      "anypod",
      { image: { repository: null } },
      "at '/image': missing property 'repository'",
    ],
    [
      "with nothing to scrape",
      "anypod",
      { metrics: { enabled: false, serviceMonitor: { enabled: true } } },
      "metrics.serviceMonitor.enabled needs metrics.enabled",
    ],
    ["without the account's name", "anypod", { serviceAccount: { create: false } }, "serviceAccount.name is missing"],
    ["of the other chart", "anypod-crds", { replicas: 1 }, "additional properties 'replicas' not allowed"],
    ["that isn't given, though it must be", "mcp-server", {}, "missing property 'image'"],
    ["of no McpServer", "mcp-server", { image: "x", prot: 1 }, "additional properties 'prot' not allowed"],
    [
      "of no pool",
      "mcp-server",
      { image: "x", pools: [{ name: "a", tool: [] }] },
      "at '/pools/0': additional properties 'tool' not allowed",
    ],
    ["that is no image", "mcp-server", { image: "Not An Image" }, "at '/image': 'Not An Image' does not match"],
    ["beyond its most", "mcp-server", { image: "x", port: 70_000 }, "at '/port': maximum: got 70,000, want 65,535"],
    ["that is too long a name", "mcp-server", { image: "x", fullnameOverride: "a".repeat(64) }, "set fullnameOverride"],
  ])("%s (%s)", async (_, chart, values, message) => {
    expect(await refusal({ chart, values })).toContain(message);
  });
});

test.each(charts)("the version of %s is that of package.json", (chart) => {
  const { version } = JSON.parse(readFileSync(join(chartFolder(chart), "../../package.json"), "utf8")) as {
    version: string;
  };
  expect(load(read(chart, "Chart.yaml"))).toMatchObject({ name: chart, version, appVersion: version });
});
