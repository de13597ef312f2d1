// The dashboard, as its rows and panels: what is asked, in which unit, and what a person should make of it.
import * as query from "./queries.ts";
import { chosen, chosenPools, ofOperators } from "./queries.ts";

export interface Query {
  expr: string;
  /** With Grafana's placeholders, such as `{{service_name}}`. */
  legend: string;
}

export interface Panel {
  title: string;
  description: string;
  type: "stat" | "timeseries" | "table";
  /** As Grafana names it. */
  unit: "short" | "s" | "reqps" | "percentunit" | "bytes";
  /** Of 24 columns. */
  width: number;
  queries: Query[];
  /** Green below the first, then orange, then red from the second. */
  thresholds?: [number, number];
  stacked?: true;
  /** Of a table: labels that are columns, with their titles, and what the value is. */
  columns?: Record<string, string>;
}

export interface Row {
  title: string;
  panels: Panel[];
}

const seconds = "s" as const;
const perServer = ["service_namespace", "service_name"];
const server = "{{service_namespace}}/{{service_name}}";
const tool = ["service_namespace", "service_name", "gen_ai_tool_name"];
const toolCalls = 'mcp_method_name="tools/call"';

const stat = (title: string, expr: string, more: Partial<Panel> & Pick<Panel, "description">): Panel => ({
  title,
  type: "stat",
  unit: "short",
  width: 4,
  queries: [{ expr, legend: title }],
  ...more,
});
const graph = (title: string, queries: Query[], more: Partial<Panel> & Pick<Panel, "description" | "unit">): Panel => ({
  title,
  type: "timeseries",
  width: 8,
  queries,
  ...more,
});
const quantiles = (expr: (share: number) => string): Query[] =>
  [0.5, 0.95, 0.99].map((share) => ({ expr: expr(share), legend: `p${share * 100}` }));

const servers: Row = {
  title: "Servers",
  panels: [
    stat("Servers", `count(anypod_server_ready{${chosen}})`, { description: "McpServers of the chosen namespaces." }),
    stat("Not Ready", `count(anypod_server_ready{${chosen}}) - sum(anypod_server_ready{${chosen}})`, {
      description: "Servers whose condition Ready isn't True.",
      thresholds: [1, 5],
    }),
    stat("Calls", query.callRate([]), { description: "MCP requests a second.", unit: "reqps" }),
    stat("Errors", query.errorShare([]), {
      description: "Share of the requests that ended with an error.",
      unit: "percentunit",
      thresholds: [0.01, 0.1],
    }),
    stat("p95", query.latency(0.95, []), { description: "95 of 100 requests take no longer.", unit: seconds }),
    stat("In flight", query.inFlight([]), {
      description: "Requests that are being answered, on average; streams of events aren't counted.",
    }),
    {
      title: "What is wrong",
      description:
        "Conditions that aren't as they should be, and for how long. docs/troubleshooting.md has each reason.",
      type: "table",
      unit: seconds,
      width: 24,
      queries: [
        {
          expr: `time() - max by (service_namespace, service_name, condition, reason) (anypod_server_problem_since_timestamp_seconds{${chosen}})`,
          legend: "",
        },
      ],
      columns: {
        service_namespace: "Namespace",
        service_name: "Server",
        condition: "Condition",
        reason: "Reason",
        Value: "For",
      },
    },
  ],
};

const calls: Row = {
  title: "Calls",
  panels: [
    graph("Calls a second", [{ expr: query.callRate(perServer), legend: server }], {
      description: "By server. Streams of events aren't counted.",
      unit: "reqps",
    }),
    graph(
      "Latency",
      quantiles((share) => query.latency(share, [])),
      {
        description: "Of all chosen servers' calls, from their beginning to the end of the answer.",
        unit: seconds,
      },
    ),
    graph("In flight", [{ expr: query.inFlight(perServer), legend: server }], {
      description: "Calls that are being answered, on average, by server.",
      unit: "short",
    }),
  ],
};

const tools: Row = {
  title: "Tools",
  panels: [
    graph(
      "Calls of tools",
      [{ expr: query.callRate(["gen_ai_tool_name"], toolCalls), legend: "{{gen_ai_tool_name}}" }],
      {
        description: "By tool.",
        unit: "reqps",
      },
    ),
    graph(
      "Errors of tools",
      [{ expr: query.errorShare(tool, toolCalls), legend: "{{service_name}} {{gen_ai_tool_name}}" }],
      {
        description: "Share of a tool's calls that ended with an error. The alert McpToolErrors begins at 10 %.",
        unit: "percentunit",
      },
    ),
    graph(
      "p95 of tools",
      [{ expr: query.latency(0.95, ["gen_ai_tool_name"], toolCalls), legend: "{{gen_ai_tool_name}}" }],
      {
        description: "95 of 100 calls of the tool take no longer.",
        unit: seconds,
      },
    ),
  ],
};

const pools: Row = {
  title: "Pools and tasks",
  panels: [
    graph(
      "Pods that take calls",
      [
        {
          expr: `sum by (service_namespace, service_name, anypod_pool) (max by (service_namespace, service_name, anypod_pool) (anypod_server_ready_pods{${chosenPools}}))`,
          legend: "{{service_name}} {{anypod_pool}}",
        },
      ],
      { description: "By server and pool, as the servers' status has it.", unit: "short" },
    ),
    graph(
      "Calls of pools",
      [{ expr: query.callRate(["service_name", "anypod_pool"]), legend: "{{service_name}} {{anypod_pool}}" }],
      {
        description: "Calls a second by server and pool.",
        unit: "reqps",
      },
    ),
    graph(
      "Tasks",
      [
        {
          expr: query.callRate(["mcp_method_name"], 'mcp_method_name=~"tasks/.*"'),
          legend: "{{mcp_method_name}}",
        },
      ],
      {
        description: "Requests about tasks a second: any pod may answer them when the server has a task store.",
        unit: "reqps",
      },
    ),
    graph(
      "Task stores",
      [{ expr: 'max by (status) (anypod_servers{condition="TaskStoreReady"})', legend: "ready: {{status}}" }],
      { description: "Servers whose tasks have a store, by whether it takes calls; of all namespaces.", unit: "short" },
    ),
    graph(
      "Pods that should be there and aren't",
      [
        {
          expr: `sum by (service_namespace, service_name, anypod_pool) (anypod_server_pods{${chosenPools}} - anypod_server_ready_pods{${chosenPools}})`,
          legend: "{{service_name}} {{anypod_pool}}",
        },
      ],
      { description: "Pods that take no calls: new ones for a while, others when something is wrong.", unit: "short" },
    ),
    graph(
      "Errors by kind",
      [
        {
          expr: `sum by (error_type) (rate(mcp_server_operation_duration_seconds_count{${chosenPools}, error_type!=""}[$__rate_interval]))`,
          legend: "{{error_type}}",
        },
      ],
      {
        description: "Errors a second by what the servers call them; a number is JSON-RPC's code or HTTP's status.",
        unit: "reqps",
      },
    ),
  ],
};

const rate = (metric: string) => `rate(${metric}[$__rate_interval])`;
const reconcileSeconds = (share: number) =>
  `histogram_quantile(${share}, sum by (le) (${rate('controller_runtime_reconcile_time_seconds_bucket{controller="mcpserver"}')}))`;

const operator: Row = {
  title: "Operator",
  panels: [
    graph(
      "Reconciles",
      [
        {
          expr: `sum by (result) (${rate('controller_runtime_reconcile_total{controller="mcpserver"}')})`,
          legend: "{{result}}",
        },
      ],
      {
        description: "Looks at a server a second, by how they ended.",
        unit: "reqps",
        stacked: true,
      },
    ),
    graph("Length of a reconcile", quantiles(reconcileSeconds), {
      description: "From the beginning of a look at a server to its end.",
      unit: seconds,
    }),
    graph(
      "Queue",
      [
        {
          expr: 'sum(workqueue_depth{name="mcpserver"} and on (namespace, pod) leader_election_master_status{name="anypod"} == 1)',
          legend: "servers that wait",
        },
      ],
      { description: "Servers that wait for a worker of the operator that leads.", unit: "short" },
    ),
    graph(
      "Writes to the API server",
      [
        {
          expr: `sum by (method) (${ofOperators(rate('rest_client_requests_total{method!="GET"}'))})`,
          legend: "{{method}}",
        },
      ],
      {
        description: "Requests that change something. With nothing to do there are only those of the lease.",
        unit: "reqps",
      },
    ),
    graph(
      "Refused by the API server",
      [{ expr: `sum by (code) (${ofOperators(rate('rest_client_requests_total{code!~"2.."}'))})`, legend: "{{code}}" }],
      { description: "Requests a second that didn't succeed, by status code.", unit: "reqps" },
    ),
    graph("Memory", [{ expr: `sum by (pod) (${ofOperators("process_resident_memory_bytes")})`, legend: "{{pod}}" }], {
      description: "Resident memory of each operator.",
      unit: "bytes",
    }),
  ],
};

export const rows: Row[] = [servers, calls, tools, pools, operator];
