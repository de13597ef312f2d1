// What autoscalers ask Prometheus for, held against made-up series: the queries of ScaledObjects, and those of the rules in
// docs/scale.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { blocksOf } from "../support/pages.ts";
import { root } from "../support/processes.ts";
import { holds, type MadeUp } from "./promtool.ts";

type Trigger = { type: string; metadata: { query: string } };
type Document = { kind?: string; spec?: { triggers?: Trigger[] }; rules?: { external?: Rule[] } };
type Rule = { name: { as: string }; metricsQuery: string };

const yaml = (text: string) => loadAll(text) as Document[];
const golden = yaml(readFileSync(join(root, "test/golden/autoscaling-keda.out.yaml"), "utf8"));
const triggers = golden.find(({ kind }) => kind === "ScaledObject")?.spec?.triggers ?? [];
const [perSecond = "", inFlight = ""] = triggers.flatMap(({ type, metadata }) =>
  type === "prometheus" ? [metadata.query] : [],
);

const main = 'service_namespace="shop",service_name="basket",anypod_pool="main"';
/** Steps of 60 a minute are one a second. */
const aSecond = (rate: number) => `0+${60 * rate}x20`;
const count = (source: string, labels: string) => `mcp_${source}_operation_duration_seconds_count{${labels}}`;
const seconds = (source: string, labels: string) => `mcp_${source}_operation_duration_seconds_sum{${labels}}`;
const call = `${main},mcp_method_name="tools/call"`;

/** The number at the tenth minute; none when there is none. */
const is = (query: string, series: MadeUp, value: number | undefined) =>
  holds(series, {
    promql_expr_test: [
      { expr: query, eval_time: "10m", exp_samples: value === undefined ? [] : [{ labels: "{}", value }] },
    ],
  });

describe("calls a second", () => {
  test("are those of all pods and tools of the pool, and of no other pool or server", async () => {
    const series = {
      [count("server", `${call},gen_ai_tool_name="pay",k8s_pod_name="a"`)]: aSecond(3),
      [count("server", `${call},gen_ai_tool_name="pay",k8s_pod_name="b"`)]: aSecond(2),
      [count("server", `${main},mcp_method_name="tools/list",k8s_pod_name="b"`)]: aSecond(1),
      [count("server", call.replace("main", "heavy"))]: aSecond(10),
      [count("server", call.replace("basket", "baskets"))]: aSecond(10),
      [count("server", call.replace("shop", "bank"))]: aSecond(10),
    };
    await is(perSecond, series, 6);
  });

  test("leave streams of changes out", async () => {
    const listening = `${main},mcp_method_name="subscriptions/listen"`;
    await is(perSecond, { [count("server", call)]: aSecond(1), [count("server", listening)]: aSecond(50) }, 1);
  });

  test("are the gateway's when the server tells none, and never both", async () => {
    const byGateway = { [count("gateway", `${call},http_response_status_code="200"`)]: aSecond(5) };
    await is(perSecond, byGateway, 5);
    await is(perSecond, { ...byGateway, [count("server", call)]: aSecond(4) }, 4);
  });

  test("are no number when nobody tells any, or nobody does any more", async () => {
    await is(perSecond, {}, undefined);
    await is(perSecond, { [count("server", call)]: "0+60x5 stale" }, undefined);
  });

  test("are zero when there are none", async () => {
    await is(perSecond, { [count("server", call)]: "60+0x20" }, 0);
  });
});

test("calls in flight are the seconds that calls took, a second, without streams of changes", async () => {
  const listening = `${main},mcp_method_name="subscriptions/listen"`;
  const series = { [seconds("server", call)]: aSecond(7), [seconds("server", listening)]: aSecond(900) };
  await is(inFlight, series, 7);
  await is(inFlight, { [seconds("gateway", call)]: aSecond(2) }, 2);
});

test("an adapter with the rules of docs/scale.md asks for the same", () => {
  const blocks = blocksOf(readFileSync(join(root, "docs/scale.md"), "utf8")).filter(
    ({ language }) => language === "yaml",
  );
  const rules = blocks.flatMap(({ text }) => yaml(text)).flatMap((document) => document.rules?.external ?? []);
  const asked = rules.map(({ name, metricsQuery }) => [name.as, metricsQuery.replaceAll("<<.LabelMatchers>>", main)]);
  expect(asked).toEqual([
    ["mcp_calls_per_second", perSecond],
    ["mcp_calls_in_flight", inFlight],
  ]);
});
