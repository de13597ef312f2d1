// The alerts of the operator's chart, by Prometheus' own tool: when they fire, when they don't, and what they say.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { alertGroups, alertNames, alertsFile } from "../../charts/generate/alerts.ts";
import { anchorsOf } from "../support/pages.ts";
import { root } from "../support/processes.ts";
import { holds, type MadeUp, promtool } from "./promtool.ts";
import { ofKind, rendered } from "./support.ts";

const check = (series: MadeUp, expected: object) => holds(series, expected, [fileURLToPath(alertsFile)]);

/** Which alerts fire after so many minutes: each by its name and what it is about. */
const firing = (series: MadeUp, minutes: number, alerts: string[]) =>
  check(series, {
    promql_expr_test: [
      {
        expr: 'count by (alertname, service_name, gen_ai_tool_name) (ALERTS{alertstate="firing", alertname!="AnypodDown"})',
        eval_time: `${minutes}m`,
        exp_samples: alerts.map((labels) => ({ labels: `{${labels}}`, value: 1 })),
      },
    ],
  });

const of = 'service_namespace="shop",service_name="basket"';
const alert = (name: string) => `alertname="${name}",service_name="basket"`;
const problem = (condition: string, reason: string) =>
  `anypod_server_problem_since_timestamp_seconds{${of},condition="${condition}",reason="${reason}",pod="anypod-1"}`;
/** There from the first minute on, since then. */
const since0 = "0x60";
const calls = (tool: string, error = "", method = "tools/call") =>
  `mcp_server_operation_duration_seconds_count{${of},mcp_method_name="${method}",gen_ai_tool_name="${tool}"${error && `,error_type="${error}"`}}`;
const viaGateway = (tool: string, status: string) =>
  `mcp_gateway_operation_duration_seconds_count{${of},mcp_method_name="tools/call",gen_ai_tool_name="${tool}",http_response_status_code="${status}"}`;
const tool = (name: string) => `${alert("McpToolErrors")},gen_ai_tool_name="${name}"`;
const operator = (metric: string, labels = "", pod = "anypod-1") =>
  `${metric}{namespace="anypod-system",pod="${pod}"${labels && `,${labels}`}}`;
const leads = (pod = "anypod-1") => operator("leader_election_master_status", 'name="anypod"', pod);
const reconciles = (result: string, pod = "anypod-1") =>
  operator("controller_runtime_reconcile_total", `controller="mcpserver",result="${result}"`, pod);
const waiting = (pod = "anypod-1") => operator("workqueue_depth", 'name="mcpserver"', pod);

const notReady = { [problem("Ready", "CrashLoopBackOff")]: since0 };
const rolledOut = { [problem("Ready", "ProgressDeadlineExceeded")]: since0 };
const failing = { [calls("pay")]: "0+6x60", [calls("pay", "tool_error")]: "0+4x60" };

interface Case {
  sentence: string;
  series: MadeUp;
  minutes: number;
  fire: string[];
}

const cases: Case[] = [
  {
    sentence: "a server that isn't Ready, after 16 minutes",
    series: notReady,
    minutes: 16,
    fire: [alert("McpServerNotReady")],
  },
  { sentence: "a server that isn't Ready, after 14 minutes", series: notReady, minutes: 14, fire: [] },
  {
    sentence: "a server whose reason changes all the time",
    series: {
      [problem("Ready", "CrashLoopBackOff")]: "0 _ 0 _ 0x2 _x12",
      [problem("Ready", "RollingOut")]: "_ 0 _ 0 _x2 0x20",
    },
    minutes: 16,
    fire: [alert("McpServerNotReady")],
  },
  {
    sentence: "a server that was Ready in between, and hasn't been for 14 minutes since",
    series: { [problem("Ready", "CrashLoopBackOff")]: "0x3 _x3 420x20" },
    minutes: 21,
    fire: [],
  },
  {
    sentence: "a server without pods, after 6 minutes",
    series: { [problem("Available", "NoPods")]: since0, ...notReady },
    minutes: 6,
    fire: [alert("McpServerUnavailable")],
  },
  {
    sentence: "a server without pods, after 4 minutes",
    series: { [problem("Available", "NoPods")]: since0, ...notReady },
    minutes: 4,
    fire: [],
  },
  {
    sentence: "a server without pods, after an hour: once",
    series: { [problem("Available", "NoPods")]: since0, ...notReady },
    minutes: 59,
    fire: [alert("McpServerUnavailable")],
  },
  {
    sentence: "a server that somebody has scaled to zero",
    series: { [problem("Available", "ScaledToZero")]: since0 },
    minutes: 59,
    fire: [],
  },
  { sentence: "a rollout that is stuck", series: rolledOut, minutes: 2, fire: [alert("McpServerRolloutStuck")] },
  {
    sentence: "a rollout that is stuck, after an hour: once",
    series: rolledOut,
    minutes: 59,
    fire: [alert("McpServerRolloutStuck")],
  },
  {
    sentence: "a rollout that is under way",
    series: { [problem("Ready", "RollingOut")]: since0 },
    minutes: 10,
    fire: [],
  },
  {
    sentence: "a store that takes no calls, after 6 minutes",
    series: { [problem("TaskStoreReady", "TaskStoreDown")]: since0, ...notReady },
    minutes: 6,
    fire: [alert("McpServerStoreDown")],
  },
  {
    sentence: "a store that takes no calls, after an hour: once",
    series: { [problem("TaskStoreReady", "TaskStoreDown")]: since0, ...notReady },
    minutes: 59,
    fire: [alert("McpServerStoreDown")],
  },
  {
    sentence: "a store that takes no calls, after 4 minutes",
    series: { [problem("TaskStoreReady", "TaskStoreDown")]: since0 },
    minutes: 4,
    fire: [],
  },
  {
    sentence: "a server that has no store, and would be better with one",
    series: { [problem("TaskStoreReady", "TasksWithoutStore")]: since0 },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "telemetry that gets nowhere, after 31 minutes",
    series: { [problem("TelemetryReady", "EndpointUnreachable")]: since0 },
    minutes: 31,
    fire: [alert("McpServerTelemetryLost")],
  },
  {
    sentence: "telemetry that gets nowhere, after 29 minutes",
    series: { [problem("TelemetryReady", "EndpointUnreachable")]: since0 },
    minutes: 29,
    fire: [],
  },
  { sentence: "a tool of whose calls 40 in 100 fail", series: failing, minutes: 20, fire: [tool("pay")] },
  {
    sentence: "a tool of whose calls 5 in 100 fail",
    series: { [calls("pay")]: "0+95x60", [calls("pay", "tool_error")]: "0+5x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "a tool with two calls and one error",
    series: { [calls("pay")]: "0 0 0 0 0 1x30", [calls("pay", "tool_error")]: "0 0 0 0 0 1x30" },
    minutes: 12,
    fire: [],
  },
  {
    sentence: "one tool that fails beside one that doesn't",
    series: { ...failing, [calls("price")]: "0+100x60" },
    minutes: 20,
    fire: [tool("pay")],
  },
  {
    sentence: "a tool whose callers give up",
    series: { [calls("pay")]: "0+6x60", [calls("pay", "cancelled")]: "0+4x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "streams of events whose clients leave",
    series: { [calls("", "500", "subscriptions/listen")]: "0+10x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "a tool that fails for a minute",
    series: { [calls("pay")]: "0+6x60", [calls("pay", "tool_error")]: "0x20 4x40" },
    minutes: 24,
    fire: [],
  },
  {
    sentence: "a tool of a server that tells nothing, by what the gateway tells",
    series: { [viaGateway("pay", "200")]: "0+6x60", [viaGateway("pay", "503")]: "0+4x60" },
    minutes: 20,
    fire: [tool("pay")],
  },
  {
    sentence: "a tool that the gateway thinks fails, and the server knows better",
    series: { [calls("pay")]: "0+10x60", [viaGateway("pay", "200")]: "0+6x60", [viaGateway("pay", "503")]: "0+4x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "servers that wait for an operator that does nothing",
    series: { [leads()]: "1x60", [waiting()]: "3x60", [reconciles("success")]: "5x60" },
    minutes: 21,
    fire: ['alertname="AnypodNotReconciling"'],
  },
  {
    sentence: "servers that wait for an operator that has never done anything",
    series: { [leads()]: "1x60", [waiting()]: "3x60" },
    minutes: 21,
    fire: ['alertname="AnypodNotReconciling"'],
  },
  {
    sentence: "servers that wait for an operator that is at work",
    series: { [leads()]: "1x60", [waiting()]: "3x60", [reconciles("success")]: "0+5x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "the queue of an operator that stands by",
    series: { [leads()]: "1x60", [waiting()]: "0x60", [leads("anypod-2")]: "0x60", [waiting("anypod-2")]: "9x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "an operator that mostly fails",
    series: { [leads()]: "1x60", [reconciles("success")]: "0+1x60", [reconciles("error")]: "0+5x60" },
    minutes: 40,
    fire: ['alertname="AnypodReconcileErrors"'],
  },
  {
    sentence: "an operator that fails at one server, again and again",
    series: { [leads()]: "1x60", [reconciles("error")]: "0+1x60" },
    minutes: 59,
    fire: [],
  },
  {
    sentence: "an operator that fails now and then",
    series: { [leads()]: "1x60", [reconciles("success")]: "0+50x60", [reconciles("error")]: "0+5x60" },
    minutes: 59,
    fire: [],
  },
];

describe("fire, or don't, for", () => {
  test.each(cases)("$sentence", async ({ series, minutes, fire }) => {
    await firing(series, minutes, fire);
  });
});

describe("that no operator leads is told", () => {
  const isDown = (series: MadeUp, minutes: number, down: boolean) =>
    check(series, {
      promql_expr_test: [
        {
          expr: 'ALERTS{alertname="AnypodDown", alertstate="firing"}',
          eval_time: `${minutes}m`,
          exp_samples: down
            ? [
                {
                  labels:
                    'ALERTS{alertname="AnypodDown",alertstate="firing",namespace="anypod-system",severity="critical"}',
                  value: 1,
                },
              ]
            : [],
        },
      ],
    });

  test("when none runs", () => isDown({}, 6, true));
  test("when all stand by", () => isDown({ [leads()]: "0x60", [leads("anypod-2")]: "0x60" }, 6, true));
  test("not when one of them leads", () => isDown({ [leads()]: "0x60", [leads("anypod-2")]: "1x60" }, 59, false));
  test("not while one takes over from another", () =>
    isDown({ [leads()]: "1x10 0x50", [leads("anypod-2")]: "0x12 1x50" }, 59, false));
  test("when another namespace's operator alone leads", () =>
    isDown({ 'leader_election_master_status{name="anypod",namespace="other"}': "1x60" }, 6, true));
});

test("every alert has a case that it fires for", () => {
  const fired = new Set(cases.flatMap(({ fire }) => fire.map((labels) => /alertname="(\w+)"/.exec(labels)?.[1])));
  expect([...fired, "AnypodDown"].sort()).toEqual(alertNames().sort());
});

test("an alert says which server, why by its condition, since when, and what to type", async () => {
  await check(notReady, {
    alert_rule_test: [
      {
        eval_time: "20m",
        alertname: "McpServerNotReady",
        exp_alerts: [
          {
            exp_labels: { severity: "warning", namespace: "shop", service_namespace: "shop", service_name: "basket" },
            exp_annotations: {
              summary: "McpServer shop/basket isn't Ready.",
              description:
                "For 20m 0s, the server hasn't come to what its spec says; calls are answered meanwhile. Its condition Ready says why and what to do: kubectl -n shop describe mcpserver basket",
            },
          },
        ],
      },
    ],
  });
});

test("Prometheus' own tool has nothing to say against them", async () => {
  expect(await promtool("check", "rules", "--lint=all", "--lint-fatal", fileURLToPath(alertsFile))).toContain(
    "SUCCESS",
  );
});

describe("in the chart", () => {
  const rule = async (values: object = {}) => {
    const prometheusRule = { enabled: true, ...values };
    const objects = await rendered({ chart: "anypod", namespace: "mcp", values: { metrics: { prometheusRule } } });
    return ofKind(objects, "PrometheusRule")[0]!;
  };
  type Group = { name: string; rules: { alert: string; expr: string; annotations: Record<string, string> }[] };
  const alertsIn = (groups: Group[]) => groups.flatMap(({ rules }) => rules);

  test("all of them are there, word for word but for the namespace", async () => {
    const groups = (await rule()).spec.groups as Group[];
    const without = groups.map(({ name, rules }) => ({
      name,
      rules: rules.map(({ annotations: { runbook_url: _, ...annotations }, ...rest }) => ({ ...rest, annotations })),
    }));
    const own = JSON.parse(JSON.stringify(alertGroups()).replaceAll("anypod-system", "mcp"));
    expect(without).toEqual(own);
    expect(JSON.stringify(groups)).toContain('namespace=\\"mcp\\"');
  });

  test("one can be left out", async () => {
    const { groups } = (await rule({ disabled: ["McpToolErrors"] })).spec;
    const left = alertsIn(groups).map(({ alert: name }) => name);
    expect(left).toEqual(alertNames().filter((name) => name !== "McpToolErrors"));
  });

  test("each refers to its section of a page that there is", async () => {
    const anchors = anchorsOf(readFileSync(join(root, "docs/alerts.md"), "utf8"));
    for (const { annotations } of alertsIn((await rule()).spec.groups)) {
      const [page = "", anchor = ""] = annotations.runbook_url!.split("/main/")[1]!.split("#");
      expect(existsSync(join(root, page))).toBe(true);
      expect([...anchors]).toContain(anchor);
    }
  });
});
