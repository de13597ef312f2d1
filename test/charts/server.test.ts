// The chart mcp-server: what stands in the values is what the McpServer says.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseFile } from "../../operator/api/parse.ts";
import { specInput } from "../support/arbitraries.ts";
import { chartFolder, refusal, rendered, template } from "./support.ts";

const chart = "mcp-server";
const image = "registry.example.com/basket-mcp:1.4.0";

test("any spec that an McpServer may have comes out as it went in, and anypod takes it", async () => {
  await fc.assert(
    fc.asyncProperty(specInput, async (spec) => {
      const manifest = await template({ chart, name: "basket", namespace: "shop", values: spec });
      const { servers, errors } = parseFile("rendered.yaml", manifest, "default");
      expect(errors).toEqual([]);
      expect(servers.map(({ metadata }) => [metadata.namespace, metadata.name])).toEqual([["shop", "basket"]]);
      const [server] = await rendered({ chart, values: spec });
      expect(server!.spec).toEqual(JSON.parse(JSON.stringify(spec)));
    }),
    { numRuns: 40 },
  );
});

describe("the McpServer's name is", () => {
  test.each([
    ["the release's", {}, "basket"],
    ["told by nameOverride, after the release's", { nameOverride: "v2" }, "basket-v2"],
    ["fullnameOverride", { nameOverride: "v2", fullnameOverride: "other" }, "other"],
  ])("%s", async (_, values, name) => {
    const [server] = await rendered({ chart, name: "basket", values: { image, ...values } });
    expect(server).toMatchObject({ kind: "McpServer", metadata: { name }, spec: { image } });
    expect(Object.keys(server!.spec)).toEqual(["image"]);
  });
});

test("labels and annotations are the McpServer's, and the chart's own labels stay", async () => {
  const values = { image, labels: { team: "a", "app.kubernetes.io/instance": "x" }, annotations: { note: "b" } };
  const [server] = await rendered({ chart, name: "basket", values });
  expect(server!.metadata).toMatchObject({
    labels: { team: "a", "app.kubernetes.io/instance": "basket" },
    annotations: { note: "b" },
  });
});

describe("as a part of another chart", () => {
  let umbrella = "";
  beforeAll(() => {
    umbrella = mkdtempSync(join(tmpdir(), "anypod-umbrella-"));
    const dependency = (alias: string) => ({ name: chart, version: "*", alias, condition: `${alias}.enabled` });
    const dependencies = [dependency("basket"), dependency("search")];
    writeFileSync(
      join(umbrella, "Chart.yaml"),
      JSON.stringify({ apiVersion: "v2", name: "shop", version: "1.0.0", dependencies }),
    );
    mkdirSync(join(umbrella, "charts"));
    cpSync(chartFolder(chart), join(umbrella, "charts", chart), { recursive: true });
  });
  afterAll(() => rmSync(umbrella, { recursive: true }));

  const values = {
    global: { region: "eu" },
    basket: { enabled: true, image, replicas: 3 },
    search: { enabled: false },
  };

  test("each server has its alias in its name, and its own values", async () => {
    const servers = await rendered({ chart: umbrella, name: "prod", values });
    expect(servers.map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ["prod-basket", { image, replicas: 3 }],
    ]);
    const both = { ...values, search: { enabled: true, image } };
    const names = (await rendered({ chart: umbrella, name: "prod", values: both })).map(
      ({ metadata }) => metadata.name,
    );
    expect(names.sort()).toEqual(["prod-basket", "prod-search"]);
  });

  test("values that no McpServer has are refused, by the alias", async () => {
    const bad = { ...values, basket: { image, replica: 3 } };
    expect(await refusal({ chart: umbrella, values: bad })).toMatch(
      /basket:\s+- at '': additional properties 'replica'/,
    );
  });
});
