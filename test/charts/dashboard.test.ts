// The dashboard that the operator's chart brings for Grafana. What its panels show of real servers: test/pods/monitoring.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chartFolder, ofKind, rendered } from "./support.ts";

const file = readFileSync(join(chartFolder("anypod"), "files/dashboard.json"), "utf8");

interface Panel {
  title: string;
  type: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}
const { panels, templating, uid } = JSON.parse(file) as {
  uid: string;
  panels: Panel[];
  templating: { list: { name: string }[] };
};
const drawn = panels.filter(({ type }) => type !== "row");

async function configMap(values: object) {
  const objects = await rendered({ chart: "anypod", values: { metrics: { dashboard: { enabled: true, ...values } } } });
  return ofKind(objects, "ConfigMap")[0]!;
}

test("is a ConfigMap that Grafana's sidecar finds, with the file as it is", async () => {
  const { metadata, data } = await configMap({});
  expect(metadata).toMatchObject({ namespace: "anypod-system", labels: { grafana_dashboard: "1" } });
  expect(Object.keys(data)).toEqual(["anypod.json"]);
  expect(JSON.parse(data["anypod.json"])).toEqual(JSON.parse(file));
});

test("is found elsewhere, by another label and in a folder, when the values say so", async () => {
  const { metadata } = await configMap({
    namespace: "monitoring",
    labels: { grafana_dashboard: null, dashboards: "yes" },
    annotations: { grafana_folder: "MCP" },
  });
  expect(metadata).toMatchObject({
    namespace: "monitoring",
    labels: { dashboards: "yes" },
    annotations: { grafana_folder: "MCP" },
  });
  expect(metadata.labels).not.toHaveProperty("grafana_dashboard");
});

test("isn't there unless asked for", async () => {
  expect(ofKind(await rendered({ chart: "anypod" }), "ConfigMap")).toEqual([]);
});

test("says of each panel what it shows, and no two panels lie on each other", () => {
  expect(uid).toBe("anypod");
  expect(drawn.length).toBeGreaterThan(20);
  expect(drawn.filter(({ description = "" }) => !/^[A-Z0-9].*\.$/.test(description)).map(({ title }) => title)).toEqual(
    [],
  );
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});

test("asks by no variable that there isn't", () => {
  const known = [...templating.list.map(({ name }) => name), "__rate_interval"];
  const used = [...file.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
  expect([...new Set(used)].filter((name) => !known.includes(name) && name !== "__all")).toEqual([]);
});
