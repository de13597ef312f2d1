// Flags and environment → settings of `anypod run`.
import type { ParseArgsConfig } from "node:util";

/** How the command was called is wrong; the message says how to call it. */
export class UsageError extends Error {}

export interface Config {
  /** Path of a kubeconfig; undefined: KUBECONFIG, in-cluster, or ~/.kube/config. */
  kubeconfig: string | undefined;
  /** Namespaces to work in; empty: all. */
  namespaces: string[];
  workers: number;
  logLevel: string;
}

export const runOptions = {
  kubeconfig: { type: "string" },
  namespace: { type: "string", short: "n", multiple: true },
  workers: { type: "string" },
  "log-level": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

export const runHelp = `anypod run [options]

  --kubeconfig FILE     how to reach the cluster (default: $KUBECONFIG, else the pod's own account, else ~/.kube/config)
  -n, --namespace NAME  work in this namespace only; repeat for more  [$ANYPOD_NAMESPACES, comma-separated] (default: all)
  --workers N           servers worked on at once                     [$ANYPOD_WORKERS] (default: 8)
  --log-level LEVEL     trace, debug, info, warn, error               [$ANYPOD_LOG_LEVEL] (default: info)
`;

interface RunFlags {
  kubeconfig?: string;
  namespace?: string[];
  workers?: string;
  "log-level"?: string;
}

const levels = ["trace", "debug", "info", "warn", "error"];

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${name} must be a whole number above 0, not '${text}'`);
  return value;
}

/** @throws UsageError when a value can't be used */
export function readConfig(flags: RunFlags, env: NodeJS.ProcessEnv): Config {
  const logLevel = flags["log-level"] ?? env.ANYPOD_LOG_LEVEL ?? "info";
  if (!levels.includes(logLevel))
    throw new UsageError(`--log-level must be one of ${levels.join(", ")}, not '${logLevel}'`);
  return {
    kubeconfig: flags.kubeconfig,
    namespaces: flags.namespace ?? env.ANYPOD_NAMESPACES?.split(",").filter((name) => name !== "") ?? [],
    workers: wholeNumber("--workers", flags.workers ?? env.ANYPOD_WORKERS ?? "8"),
    logLevel,
  };
}
