// Metrics of each server, as its status has it. There may be thousands, so a server has one line for whether it is Ready, two a
// pool, and more only while something is wrong with it; and they are written as text at once, as a registry makes several
// objects of each line. Labels are OpenTelemetry's names of whose metrics they are: those that servers tell of themselves have
// them too, and a scrape adds none of that name. docs/metrics.md lists the metrics.

export interface ToldServer {
  namespace: string;
  name: string;
  conditions: { type: string; status: string; reason: string; lastTransitionTime: string }[];
  pools: { name: string; replicas: number; readyReplicas: number }[];
}

/** Conditions that are True while something is wrong; Reconciling is no problem, and all others are False then. */
const badWhenTrue = new Set(["Stalled"]);
const isProblem = ({ type, status }: ToldServer["conditions"][number]) =>
  type !== "Reconciling" && status === (badWhenTrue.has(type) ? "True" : "False");

const isReady = ({ conditions }: ToldServer) =>
  conditions.some(({ type, status }) => type === "Ready" && status === "True");

interface Sample {
  labels?: Record<string, string>;
  value: number;
}

interface Family {
  name: string;
  help: string;
  samples: (server: ToldServer) => Sample[];
}

const ofPools =
  (count: (pool: ToldServer["pools"][number]) => number): Family["samples"] =>
  ({ pools }) =>
    pools.map((pool) => ({ labels: { anypod_pool: pool.name }, value: count(pool) }));

export const serverMetrics: Family[] = [
  {
    name: "anypod_server_ready",
    help: "1 when the server's condition Ready is True, else 0.",
    samples: (server) => [{ value: isReady(server) ? 1 : 0 }],
  },
  {
    name: "anypod_server_problem_since_timestamp_seconds",
    help: "Since when a condition of the server says that something is wrong; not there while nothing is.",
    samples: ({ conditions }) =>
      conditions.filter(isProblem).map(({ type, reason, lastTransitionTime }) => ({
        labels: { condition: type, reason },
        value: Date.parse(lastTransitionTime) / 1000,
      })),
  },
  {
    name: "anypod_server_pods",
    help: "Pods that a pool of the server has.",
    samples: ofPools(({ replicas }) => replicas),
  },
  {
    name: "anypod_server_ready_pods",
    help: "Pods of a pool that take calls.",
    samples: ofPools(({ readyReplicas }) => readyReplicas),
  },
];

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function line(name: string, server: ToldServer, { labels = {}, value }: Sample): string {
  const more = Object.entries(labels).map(([key, text]) => `,${key}="${escaped(text)}"`);
  return `${name}{service_namespace="${server.namespace}",service_name="${server.name}"${more.join("")}} ${value}\n`;
}

/**
 * The lines of all servers, in Prometheus' text format.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function serverMetricsText(servers: () => Iterable<ToldServer>): string {
  const lines: string[] = [];
  for (const { name, help, samples } of serverMetrics) {
    lines.push(`\n# HELP ${name} ${help}\n# TYPE ${name} gauge\n`);
    for (const server of servers()) for (const sample of samples(server)) lines.push(line(name, server, sample));
  }
  return lines.join("");
}
