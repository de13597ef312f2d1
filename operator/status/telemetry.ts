// Whether telemetry of a server's pods gets where it should, and what to do when not. Pure. It never keeps a server from Ready.
import type { Condition } from "../api/mcpserver.ts";
import type { MissingReference, PodProblem, TelemetryAnswer, TelemetryState } from "./observed.ts";
import { hints } from "./pod-problem.ts";

/** The condition TelemetryReady, but for its times. */
export type TelemetryVerdict = Pick<Condition, "status" | "reason" | "message">;

const holds = (message: string): TelemetryVerdict => ({ status: "True", reason: "TelemetryFlows", message });
const fails = (reason: string, message: string): TelemetryVerdict => ({ status: "False", reason, message });

type Of<S extends TelemetryState["source"]> = Extract<TelemetryState, { source: S }>;

/** What becomes of the server's telemetry meanwhile. */
const meanwhile = ({ ready = 0 }: Of<"collector">) =>
  ready > 0
    ? "The collector runs on with its last good configuration."
    : "Until then, pods drop what they would send; calls go on.";

function missing({ kind, name }: MissingReference, state: Of<"collector">): TelemetryVerdict {
  const said = `${kind} ${name} isn't in namespace ${state.namespace}, and spec.telemetry.collector.env needs it: create it, or correct the spec.`;
  return fails(`${kind}NotFound`, `${said} ${meanwhile(state)}`);
}

function podProblem(problem: PodProblem, state: Of<"collector">): TelemetryVerdict {
  const { namespace, validator } = state;
  const { pod, container, reason, message } = problem;
  const said = message === "" ? "" : ` ${message.replace(/\.$/, "")}.`;
  if (container === validator && problem.exitCode !== undefined)
    return fails(
      "CollectorConfigInvalid",
      `The collector refuses its configuration:${said} Correct spec.telemetry.collector. ${meanwhile(state)}`,
    );
  const look = reason === "CrashLoopBackOff" ? `logs --previous ${pod}` : `describe pod ${pod}`;
  return fails(
    reason,
    `The collector in pod ${pod} doesn't run:${said} ${hints[reason] ?? "see the pod"}: kubectl -n ${namespace} ${look}. ${meanwhile(state)}`,
  );
}

function collector(state: Of<"collector">): TelemetryVerdict {
  const { namespace, name, byOperator, ready, problem, lacks } = state;
  if (lacks) return missing(lacks, state);
  if (problem) return podProblem(problem, state);
  if (ready) return holds(`Collector ${name} takes telemetry.`);
  return fails(
    "CollectorStarting",
    `Collector ${name} has no pod that takes telemetry yet: ${
      byOperator && ready === undefined
        ? `see whether the OpenTelemetry Operator runs, and what it says of it: kubectl -n ${namespace} describe opentelemetrycollector ${name}`
        : `kubectl -n ${namespace} get pods -l anypod.dev/role=collector`
    }`,
  );
}

const refusals: Record<Exclude<TelemetryAnswer, { ok: true }>["why"], (said: string) => TelemetryVerdict> = {
  unreachable: (said) =>
    fails(
      "EndpointUnreachable",
      `can't be reached from the operator (${said}): check host and port, and NetworkPolicies`,
    ),
  refused: (said) =>
    fails("EndpointRefuses", `refuses what the operator sent to try it (${said}): check its headers and path`),
};

function endpoint({ namespace, url, lacks, answer }: Of<"endpoint">): TelemetryVerdict | undefined {
  if (lacks)
    return fails(
      lacks.key === undefined ? "SecretNotFound" : "SecretKeyNotFound",
      `spec.telemetry.endpoint.headersSecretRef names ${lacks.key === undefined ? "" : `key ${lacks.key} of `}Secret ${lacks.name}, which isn't in namespace ${namespace}: create it, or correct the spec. Calls go on without.`,
    );
  if (answer === undefined) return;
  if (answer === "not asked") return holds(`Telemetry is sent to ${url}; nobody asks it whether it takes any.`);
  if (answer.ok) return holds(`${url} takes telemetry.`);
  const { reason, message } = refusals[answer.why](answer.said);
  return fails(reason, `${url} ${message}. Calls go on; telemetry is lost meanwhile.`);
}

function shared({ name, namespace, found, condition }: Of<"shared">): TelemetryVerdict {
  if (found !== "found")
    return fails(
      "CollectorNotFound",
      `spec.telemetry.shared names McpServer ${name}, ${found === "missing" ? `which isn't in namespace ${namespace}` : "which has no collector or endpoint of its own"}: correct one of the two. Calls go on; telemetry is sent nowhere.`,
    );
  if (condition?.status === "True") return holds(`The collector of McpServer ${name} takes telemetry.`);
  return fails(
    condition?.reason ?? "CollectorStarting",
    `The collector of McpServer ${name}: ${condition?.message ?? "it isn't there yet."}`,
  );
}

const noMonitor = fails(
  "PodMonitorNotInstalled",
  "The cluster has no kind PodMonitor, or anypod may not see it, so Prometheus isn't told of spec.telemetry.metrics: install the Prometheus Operator, or take metrics out of the spec. anypod notices it at once; calls and all other telemetry go on.",
);

/**
 * The verdict.
 * @param before what it was: it stands while nobody knows better, as after a start of the operator
 */
export function telemetryVerdict(state: TelemetryState, before: TelemetryVerdict | undefined): TelemetryVerdict {
  const ofSource = sourceVerdict(state, before);
  return ofSource.status === "True" && state.monitor === "absent" ? noMonitor : ofSource;
}

function sourceVerdict(state: TelemetryState, before: TelemetryVerdict | undefined): TelemetryVerdict {
  if (state.source === "server") return holds(`PodMonitor ${state.name} tells Prometheus of the server's pods.`);
  if (state.source === "collector") return collector(state);
  if (state.source === "shared") return shared(state);
  return (
    endpoint(state) ?? before ?? fails("CollectorStarting", `${state.url} is being asked whether it takes telemetry.`)
  );
}
