// PromQL of the dashboard: of servers, with what they tell themselves where they do, and with what their gateway tells of them
// where not, so that nothing counts twice.

/** Of the servers that are chosen above the panels. */
export const chosen = 'service_namespace=~"$namespace", service_name=~"$server"';
export const chosenPools = `${chosen}, anypod_pool=~"$pool"`;

const histograms = {
  server: "mcp_server_operation_duration_seconds",
  gateway: "mcp_gateway_operation_duration_seconds",
};
type Teller = keyof typeof histograms;

const server = ["service_namespace", "service_name"];
const list = (labels: string[]) => [...new Set(labels)].join(", ");

/** Sums by these labels of what one of the two tells of each server. */
function told(by: string[], samples: (teller: Teller) => string): string {
  const each = (teller: Teller) => `sum by (${list([...server, ...by])}) (${samples(teller)})`;
  const isSilent = `unless on (${list(server)}) ${histograms.server}_count{${chosen}}`;
  return `sum by (${list(by)}) (${each("server")} or (${each("gateway")} ${isSilent}))`;
}

/** Streams of events last for as long as their client likes: they are no calls that take long. */
const calls = `${chosenPools}, mcp_method_name!="subscriptions/listen"`;
const rate = (series: "count" | "sum" | "bucket", conditions: string) => (teller: Teller) =>
  `rate(${histograms[teller]}_${series}{${[calls, conditions].filter(Boolean).join(", ")}}[$__rate_interval])`;

/** Calls a second. @param where further conditions on labels */
export const callRate = (by: string[], where = "") => told(by, rate("count", where));

/** Calls at work: by Little's law, the seconds that calls took in a second. */
export const inFlight = (by: string[]) => told(by, rate("sum", ""));

/** How long calls take, in seconds: the longest of the quickest `share` of them. */
export const latency = (share: number, by: string[], where = "") =>
  `histogram_quantile(${share}, ${told(["le", ...by], rate("bucket", where))})`;

/** What the server calls an error, or the gateway's 5xx. A call that its client gave up is none. */
const isError = { server: 'error_type!~"|cancelled"', gateway: 'http_response_status_code=~"5.."' };

/** Errors among the calls, from 0 to 1; nothing where there are no calls. */
export function errorShare(by: string[], where = ""): string {
  const all = callRate(by, where);
  const errors = told(by, (teller) => rate("count", [where, isError[teller]].filter(Boolean).join(", "))(teller));
  return `(${errors} or 0 * ${all}) / (${all} > 0)`;
}

/** A metric that many programs have, of the operators: a lease of this name tells them apart. */
export const ofOperators = (metric: string) =>
  `${metric} and on (namespace, pod) leader_election_master_status{name="anypod"}`;
