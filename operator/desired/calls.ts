// What the calls of a pool are counted by: OpenTelemetry's names for MCP, as Prometheus has them, and the two numbers that an
// autoscaler goes by. A stream of subscriptions/listen is no call: it is open for as long as a client likes.
import type { McpServer } from "../api/mcpserver.ts";
import type { Autoscaling } from "../api/scaling.ts";
import type { EffectivePool } from "./pool.ts";

/** One target of an autoscaler, of all pods of a pool together. */
export interface CallTarget {
  /** The metric of the External metrics API, where there is no KEDA. */
  metric: string;
  /** What is added up, without its source: `mcp_server_operation_duration_seconds` and so on. */
  series: "count" | "sum";
  /** So much of it a pod. */
  perPod: number;
}

/**
 * The targets that calls are counted for. Calls in flight are the seconds that calls took, a second (Little's law): what ends in
 * a second has been under way for as long on average.
 */
export function callTargets({ callsPerSecond, callsInFlight }: Autoscaling): CallTarget[] {
  return [
    ...(callsPerSecond === undefined
      ? []
      : [{ metric: "mcp_calls_per_second", series: "count" as const, perPod: callsPerSecond }]),
    ...(callsInFlight === undefined
      ? []
      : [{ metric: "mcp_calls_in_flight", series: "sum" as const, perPod: callsInFlight }]),
  ];
}

/** Whether calls are among the targets of the pool's autoscaler. */
export function countsCalls({ scaling }: EffectivePool): boolean {
  return scaling.by === "autoscaler" && callTargets(scaling.autoscaling).length > 0;
}

/** The labels that all series of a pool have. */
export const callLabels = ({ metadata }: McpServer, pool: EffectivePool) => ({
  service_namespace: metadata.namespace,
  service_name: metadata.name,
  anypod_pool: pool.name,
});

/** Long enough for some samples at the usual intervals of 30 s and 60 s. */
const window = "2m";

/**
 * The number in PromQL: what the server's own pods tell, or else what the gateway tells of them. No result when nobody tells
 * anything, so that nobody takes that for no calls.
 */
export function callQuery(server: McpServer, pool: EffectivePool, { series }: CallTarget): string {
  const labels = Object.entries(callLabels(server, pool)).map(([name, value]) => `${name}="${value}"`);
  const selector = [...labels, 'mcp_method_name!="subscriptions/listen"'].join(",");
  const rates = ["server", "gateway"].map(
    (source) => `sum(rate(mcp_${source}_operation_duration_seconds_${series}{${selector}}[${window}]))`,
  );
  return rates.join(" or ");
}
