// The dashboard that the operator's chart brings for Grafana. What its panels show of real servers: test/pods/monitoring.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dashboard, drawn, filledIn } from "../support/dashboard.ts";
import { holds, type MadeUp } from "./promtool.ts";
import { chartFolder, ofKind, rendered } from "./support.ts";

const file = readFileSync(join(chartFolder("anypod"), "files/dashboard.json"), "utf8");

async function configMaps(values: object) {
  const objects = await rendered({ chart: "anypod", values: { metrics: { dashboard: values } } });
  return ofKind(objects, "ConfigMap").filter(({ metadata }) => metadata.name.endsWith("-dashboard"));
}
const configMap = async (values: object) => (await configMaps({ enabled: true, ...values }))[0]!;

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
  expect(await configMaps({})).toEqual([]);
});

test("says of each panel what it shows, and no two panels lie on each other", () => {
  expect(drawn.length).toBeGreaterThan(20);
  expect(drawn.filter(({ description = "" }) => !/^[A-Z0-9].*\.$/.test(description)).map(({ title }) => title)).toEqual(
    [],
  );
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});

test("asks by no variable that there isn't", () => {
  const known = [...dashboard.templating.list.map(({ name }) => name), "__rate_interval"];
  const used = [...file.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
  expect([...new Set(used)].filter((name) => !known.includes(name) && name !== "__all")).toEqual([]);
});

describe("a call counts once", () => {
  const bucket = 'le="0.1"';
  const of = (server: string) => `service_namespace="shop",service_name="${server}",anypod_pool="main"`;
  const called = 'mcp_method_name="tools/call",gen_ai_tool_name="pay"';
  const serverTells = (server: string, series: string, more = called) =>
    `mcp_server_operation_duration_seconds_${series}{${of(server)},${more}}`;
  const gatewayTells = (server: string, series: string, more = called) =>
    `mcp_gateway_operation_duration_seconds_${series}{${of(server)},${more}}`;

  /** What the panel's first query says after half an hour, by its label of this name. */
  const says = (series: MadeUp, title: string, values: Record<string, number>, label = "service_name") => {
    const { expr } = drawn.find((panel) => panel.title === title)!.targets[0]!;
    const asked = `max by (${label}) (${filledIn(expr).replaceAll("[30s]", "[5m]")})`;
    const samples = Object.entries(values).map(([name, value]) => ({ labels: `{${label}="${name}"}`, value }));
    return holds(series, { promql_expr_test: [{ expr: asked, eval_time: "30m", exp_samples: samples }] });
  };

  test("of a server that tells of it, as does its gateway; and of one whose gateway alone does", async () => {
    const series = {
      [serverTells("basket", "count")]: "0+60x40",
      [gatewayTells("basket", "count")]: "0+66x40",
      [gatewayTells("silent", "count")]: "0+120x40",
    };
    await says(series, "Calls a second", { basket: 1, silent: 2 });
  });

  test("as an error: what the server calls one, or the gateway where the server tells nothing", async () => {
    const series = {
      [serverTells("basket", "count")]: "0+60x40",
      [serverTells("basket", "count", `${called},error_type="tool_error"`)]: "0+20x40",
      [serverTells("basket", "count", `${called},error_type="cancelled"`)]: "0+20x40",
      [gatewayTells("basket", "count", `${called},http_response_status_code="502"`)]: "0+66x40",
      [gatewayTells("silent", "count", `${called},http_response_status_code="200"`)]: "0+90x40",
      [gatewayTells("silent", "count", `${called},http_response_status_code="503"`)]: "0+30x40",
      [serverTells("well", "count")]: "0+60x40",
    };
    await says(series, "Errors of tools", { basket: 0.2, silent: 0.25, well: 0 });
  });

  test("as one at work, for as long as it takes; and a stream of events never does", async () => {
    const listening = 'mcp_method_name="subscriptions/listen"';
    const series = {
      [serverTells("basket", "count")]: "0+60x40",
      [serverTells("basket", "sum")]: "0+180x40",
      [serverTells("basket", "count", listening)]: "0+1x40",
      [serverTells("basket", "sum", listening)]: "0+3600x40",
    };
    const { expr } = drawn.findLast((panel) => panel.title === "In flight")!.targets[0]!;
    const asked = filledIn(expr).replaceAll("[30s]", "[5m]");
    const labels = '{service_namespace="shop",service_name="basket"}';
    await holds(series, { promql_expr_test: [{ expr: asked, eval_time: "30m", exp_samples: [{ labels, value: 3 }] }] });
    await says(series, "Calls a second", { basket: 1 });
  });

  test("in a quantile: buckets of the gateway's, which are others, are left out where the server has its own", async () => {
    const series = {
      [serverTells("basket", "count")]: "0+60x40",
      [serverTells("basket", "bucket", `${called},${bucket}`)]: "0+60x40",
      [serverTells("basket", "bucket", `${called},le="+Inf"`)]: "0+60x40",
      [gatewayTells("basket", "bucket", `${called},le="10"`)]: "0+6000x40",
      [gatewayTells("basket", "bucket", `${called},le="+Inf"`)]: "0+6000x40",
    };
    await says(series, "p95 of tools", { pay: 0.095 }, "gen_ai_tool_name");
  });
});
