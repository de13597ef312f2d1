// Flags and environment → settings of `anypod run`.
import { existsSync, readFileSync } from "node:fs";
import type { ParseArgsConfig } from "node:util";

/** How the command was called is wrong; the message says how to call it. */
export class UsageError extends Error {}

/** Images of what runs beside servers; the official ones when not given. */
export interface ImageNames {
  redis?: string;
  postgresql?: string;
  collector?: string;
}

export interface Config {
  /** Path of a kubeconfig; undefined: KUBECONFIG, in-cluster, or ~/.kube/config. */
  kubeconfig: string | undefined;
  /** Namespaces to work in; empty: all. */
  namespaces: string[];
  /** Label selector of the servers to look after; undefined: all. */
  selector: string | undefined;
  workers: number;
  /** Namespace of the Lease; undefined: no election, this is the only operator. */
  leaderElection: string | undefined;
  /** `host:port` or `:port`; undefined: not served. */
  metricsAddress: string | undefined;
  healthAddress: string | undefined;
  logLevel: string;
  /** A file that names the level, looked at while running; undefined: it stays as it is. */
  logLevelFile: string | undefined;
  /** Whether stores are asked if they answer, and pods what they can do. */
  probe: boolean;
  images: ImageNames;
  /** Where KEDA finds Prometheus; undefined: nobody has said. */
  prometheusUrl: string | undefined;
}

export const runOptions = {
  kubeconfig: { type: "string" },
  namespace: { type: "string", short: "n", multiple: true },
  selector: { type: "string", short: "l" },
  workers: { type: "string" },
  "leader-elect": { type: "boolean" },
  "no-leader-elect": { type: "boolean" },
  "leader-elect-namespace": { type: "string" },
  "metrics-bind-address": { type: "string" },
  "health-probe-bind-address": { type: "string" },
  "log-level": { type: "string" },
  "log-level-file": { type: "string" },
  probe: { type: "boolean" },
  "no-probe": { type: "boolean" },
  "redis-image": { type: "string" },
  "postgresql-image": { type: "string" },
  "collector-image": { type: "string" },
  "prometheus-url": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

export const runHelp = `anypod run [options]

  --kubeconfig FILE     how to reach the cluster (default: $KUBECONFIG, else ~/.kube/config, else the pod's own account)
  -n, --namespace NAME  work in this namespace only; repeat for more  [$ANYPOD_NAMESPACES, comma-separated] (default: all)
  -l, --selector TEXT   look after the servers that this label selector matches only  [$ANYPOD_SELECTOR] (default: all)
  --workers N           servers worked on at once                     [$ANYPOD_WORKERS] (default: 8)
  --leader-elect, --no-leader-elect
                        whether several operators agree on who works  (default: on in a cluster, else off)
  --leader-elect-namespace NAME
                        where their Lease is  [$POD_NAMESPACE]         (default: the pod's own namespace)
  --metrics-bind-address ADDRESS
                        where /metrics is served, 0 for nowhere       (default: :8080 in a cluster, else 0)
  --health-probe-bind-address ADDRESS
                        where /healthz and /readyz are served         (default: :8081 in a cluster, else 0)
  --probe, --no-probe   whether task stores that aren't anypod's are asked if they answer, and pods if they make tasks
                        (default: on in a cluster, else off)
  --redis-image NAME    where images of managed Redis stores are, without a tag: a mirror, or Redis instead of Valkey
                                              [$ANYPOD_REDIS_IMAGE] (default: docker.io/valkey/valkey)
  --postgresql-image NAME
                        the same of PostgreSQL     [$ANYPOD_POSTGRESQL_IMAGE] (default: docker.io/library/postgres)
  --collector-image NAME
                        the image of OpenTelemetry Collectors, with a tag  [$ANYPOD_COLLECTOR_IMAGE]
                        (default: docker.io/otel/opentelemetry-collector-contrib:0.155.0)
  --prometheus-url URL  where KEDA finds Prometheus, for autoscaling by calls      [$ANYPOD_PROMETHEUS_URL]
  --log-level LEVEL     trace, debug, info, warn, error               [$ANYPOD_LOG_LEVEL] (default: info)
  --log-level-file FILE a file that names the level: another one is taken within seconds, without a restart

Traces of its own work are sent by OTLP when the environment says where, as to any OpenTelemetry SDK:
OTEL_EXPORTER_OTLP_ENDPOINT and, if need be, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER.
`;

type Values = { [name in keyof typeof runOptions]?: unknown };
interface RunFlags extends Values {
  kubeconfig?: string;
  namespace?: string[];
  selector?: string;
  workers?: string;
  "leader-elect"?: boolean;
  "no-leader-elect"?: boolean;
  "leader-elect-namespace"?: string;
  "metrics-bind-address"?: string;
  "health-probe-bind-address"?: string;
  "log-level"?: string;
  "log-level-file"?: string;
  probe?: boolean;
  "no-probe"?: boolean;
  "redis-image"?: string;
  "postgresql-image"?: string;
  "collector-image"?: string;
  "prometheus-url"?: string;
}

const levels = ["trace", "debug", "info", "warn", "error"];

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${name} must be a whole number above 0, not '${text}'`);
  return value;
}

function address(name: string, text: string): string | undefined {
  if (text === "0") return;
  if (!/^.*:\d{1,5}$/.test(text)) throw new UsageError(`${name} must be HOST:PORT, :PORT or 0, not '${text}'`);
  return text;
}

const accountNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

function leaseNamespace(flags: RunFlags, env: NodeJS.ProcessEnv): string | undefined {
  const wanted = flags["leader-elect"] ?? env.KUBERNETES_SERVICE_HOST !== undefined;
  if (!wanted || flags["no-leader-elect"]) return;
  const named = flags["leader-elect-namespace"] ?? env.POD_NAMESPACE;
  if (named) return named;
  if (existsSync(accountNamespace)) return readFileSync(accountNamespace, "utf8").trim();
  throw new UsageError("--leader-elect outside of a cluster needs --leader-elect-namespace NAME");
}

function logLevel(flags: RunFlags, env: NodeJS.ProcessEnv): string {
  const level = flags["log-level"] ?? env.ANYPOD_LOG_LEVEL ?? "info";
  if (!levels.includes(level)) throw new UsageError(`--log-level must be one of ${levels.join(", ")}, not '${level}'`);
  return level;
}

/** What the environment, and perhaps flags, say of images. */
export function imagesOf(env: NodeJS.ProcessEnv, flags: RunFlags = {}): ImageNames {
  const redis = flags["redis-image"] ?? env.ANYPOD_REDIS_IMAGE;
  const postgresql = flags["postgresql-image"] ?? env.ANYPOD_POSTGRESQL_IMAGE;
  const collector = flags["collector-image"] ?? env.ANYPOD_COLLECTOR_IMAGE;
  return { ...(redis && { redis }), ...(postgresql && { postgresql }), ...(collector && { collector }) };
}

/** Where the flag or the environment says that Prometheus is, as KEDA takes it. @throws UsageError when it is no such URL */
export function prometheusUrlOf(env: NodeJS.ProcessEnv, flag?: string): string | undefined {
  const told = flag ?? env.ANYPOD_PROMETHEUS_URL;
  if (!told) return;
  if (!/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(told))
    throw new UsageError(
      `--prometheus-url must be http:// or https://, a host, and perhaps a port and a path, not '${told}'`,
    );
  return told.replace(/\/+$/, "");
}

/** @throws UsageError when a value can't be used */
export function readConfig(flags: RunFlags, env: NodeJS.ProcessEnv): Config {
  const inCluster = env.KUBERNETES_SERVICE_HOST !== undefined;
  const bind = (name: "metrics-bind-address" | "health-probe-bind-address", fallback: string) =>
    address(`--${name}`, flags[name] ?? (inCluster ? fallback : "0"));
  return {
    kubeconfig: flags.kubeconfig,
    namespaces: flags.namespace ?? env.ANYPOD_NAMESPACES?.split(",").filter((name) => name !== "") ?? [],
    selector: flags.selector ?? (env.ANYPOD_SELECTOR || undefined),
    workers: wholeNumber("--workers", flags.workers ?? env.ANYPOD_WORKERS ?? "8"),
    leaderElection: leaseNamespace(flags, env),
    metricsAddress: bind("metrics-bind-address", ":8080"),
    healthAddress: bind("health-probe-bind-address", ":8081"),
    logLevel: logLevel(flags, env),
    logLevelFile: flags["log-level-file"],
    probe: flags.probe ?? (inCluster && !flags["no-probe"]),
    images: imagesOf(env, flags),
    prometheusUrl: prometheusUrlOf(env, flags["prometheus-url"]),
  };
}
