// The checks behind a server's conditions, each pure and small. The order is that of causes before effects: the first that
// finds something is what the status says.
import type { McpServer, Spec } from "../api/mcpserver.ts";
import type { Problem } from "../api/parse.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { type Finding, progressing, stalled } from "./finding.ts";
import type { DeploymentState, MissingReference, Obstacle, PodProblem } from "./observed.ts";
import { hints } from "./pod-problem.ts";
import { isSettled } from "./rollout.ts";
import { type RoutingEvidence, routingProblem } from "./routed.ts";
import type { ScalingVerdict } from "./scaling.ts";
import type { StoreVerdict } from "./task-store.ts";
import type { TelemetryVerdict } from "./telemetry.ts";

export interface Evidence {
  metadata: McpServer["metadata"];
  /** None when it is invalid. */
  spec: Spec | undefined;
  problems: Problem[];
  pools: EffectivePool[];
  obstacles: Obstacle[];
  missing: MissingReference[];
  deployments: ReadonlyMap<string, DeploymentState>;
  podProblems: PodProblem[];
  /** None when tasks need no store. */
  store?: StoreVerdict | undefined;
  /** None without spec.telemetry. */
  telemetry?: TelemetryVerdict | undefined;
  /** None without spec.autoscaling. */
  scaling?: ScalingVerdict | undefined;
  /** None without spec.routing. */
  routing?: RoutingEvidence | undefined;
}

type Check = (evidence: Evidence) => Finding | undefined;

function invalidSpec({ problems }: Evidence): Finding | undefined {
  const [first, ...more] = problems;
  if (!first) return;
  const others = more.length > 0 ? ` (and ${more.length} more)` : "";
  return stalled("InvalidSpec", `spec.${first.field}: ${first.message}${others}`);
}

/** Kinds that other operators of stores bring; all others are of routes. */
const isOfStore = (kind: string) => ["Cluster", "RedisReplication", "RedisSentinel"].includes(kind);
const pageOf = (kind: string) => (isOfStore(kind) ? "docs/task-stores.md" : "docs/expose.md");
const fieldOf = (kind: string) => (isOfStore(kind) ? "spec.taskStore" : "spec.routing");

const obstacleFindings: Record<Obstacle["why"], (obstacle: Obstacle, namespace: string) => Finding> = {
  terminating: (_, namespace) =>
    stalled(
      "NamespaceTerminating",
      `Namespace ${namespace} is being deleted: nothing can be made in it. This server goes with it.`,
    ),
  foreign: ({ kind, name }) =>
    stalled(
      "NotOwned",
      `${kind} ${name} is there already and isn't this server's, so it was left alone: delete or rename it, or rename this server.`,
    ),
  rejected: ({ kind, name, message }) =>
    stalled(
      "Rejected",
      `The API server refuses ${kind} ${name}: ${message}. Change the field of this server's spec that it names.`,
    ),
  absent: ({ kind }) =>
    progressing(
      `${kind}NotInstalled`,
      `The cluster has no kind ${kind}, or anypod may not see it: install what it comes with (${pageOf(kind)} says what), or change ${fieldOf(kind)}. anypod notices it at once.`,
    ),
  failing: ({ message }) =>
    progressing(
      "WritesFail",
      `The API server fails at this server's objects: ${message}. anypod goes on trying; if the message names a webhook, look after that first.`,
    ),
  leaving: ({ kind, name }) =>
    progressing(
      "WaitingForDeletion",
      `${kind} ${name} of an earlier server of this name is still being deleted: waiting for it.`,
    ),
  contended: ({ kind, name }, namespace) =>
    progressing(
      "Contended",
      `Somebody else keeps changing fields of ${kind} ${name} that are anypod's: stop them, or leave those fields to them with spec.paused. Who it is: kubectl -n ${namespace} get ${kind.toLowerCase()} ${name} -o yaml --show-managed-fields`,
    ),
};
/** The worst first. */
const obstacleOrder: Obstacle["why"][] = [
  "terminating",
  "foreign",
  "rejected",
  "absent",
  "failing",
  "contended",
  "leaving",
];

/** What KEDA refuses or holds on to, AutoscalingReady tells: calls are answered all the same. */
const isOfScaling = ({ kind, why }: Obstacle) => kind === "ScaledObject" && ["rejected", "leaving"].includes(why);

function obstacle({ obstacles, metadata }: Evidence): Finding | undefined {
  const worst = obstacleOrder.flatMap((why) => obstacles.filter((each) => each.why === why && !isOfScaling(each)))[0];
  return worst && obstacleFindings[worst.why](worst, metadata.namespace);
}

/** Calls that make no tasks need no store, so a missing one is told apart: it is nothing that keeps this server from Ready. */
function taskStore({ spec, store }: Evidence): Finding | undefined {
  if (!spec?.taskStore || store?.status !== "False") return;
  return progressing(store.reason, store.message);
}

function missingReference({ missing, metadata }: Evidence): Finding | undefined {
  const [first] = missing;
  if (!first) return;
  const { kind, name, use } = first;
  const why = use === "imagePull" ? "as spec.imagePullSecrets says, to pull the image" : "in their environment";
  return progressing(
    `${kind}NotFound`,
    `${kind} ${name} isn't in namespace ${metadata.namespace}, and pods need it ${why}: create it, or take it out of the spec.`,
  );
}

/** The newest first, as an old one may only be waiting to be replaced; then by name, so that the choice is stable. */
const byAge = (a: PodProblem, b: PodProblem) => {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.pod < b.pod ? -1 : 1;
};

function podProblem({ podProblems, metadata }: Evidence): Finding | undefined {
  const [first] = podProblems.filter(({ pool }) => pool !== "").toSorted(byAge);
  if (!first) return;
  const { pod, container, reason, message, exitCode } = first;
  const where = container === "" ? `Pod ${pod}` : `Container ${container} of pod ${pod}`;
  const ended = exitCode === undefined ? "" : ` (it ended with exit code ${exitCode})`;
  const hint = hints[reason] ?? "see the pod";
  const look = reason === "CrashLoopBackOff" ? `logs --previous ${pod}` : `describe pod ${pod}`;
  const said = message === "" ? "" : ` ${message.replace(/\.$/, "")}.`;
  return progressing(
    reason,
    `${where} doesn't run${ended}:${said || " "} ${hint}: kubectl -n ${metadata.namespace} ${look}`.replace(
      / {2,}/g,
      " ",
    ),
  );
}

function replicaFailure({ pools, deployments }: Evidence): Finding | undefined {
  for (const { name, objectName } of pools) {
    const message = deployments.get(objectName)?.replicaFailure;
    if (message) return progressing("PodsNotCreated", `Pods of pool ${name} can't be made: ${message}`);
  }
  return;
}

function deadlineExceeded(evidence: Evidence): Finding | undefined {
  const pool = evidence.pools.find(({ objectName }) => evidence.deployments.get(objectName)?.deadlineExceeded);
  if (!pool) return;
  const cause = missingReference(evidence) ?? podProblem(evidence) ?? replicaFailure(evidence);
  const why = cause?.message ?? "Its new pods don't get ready: does the server listen on spec.port?";
  return stalled(
    "ProgressDeadlineExceeded",
    `The rollout of pool ${pool.name} is stuck; pods of the old version still answer. ${why}`,
  );
}

/** What keeps calls from outside away; none while that isn't asked for. */
export function notRouted({ metadata, spec, routing }: Evidence): Finding | undefined {
  return spec && routing && routingProblem({ metadata, spec, routing });
}

function rollout({ pools, deployments }: Evidence): Finding | undefined {
  const pool = pools.find((each) => {
    const deployment = deployments.get(each.objectName);
    return !deployment || !isSettled(each, deployment);
  });
  if (!pool) return;
  // No counts: the numbers stand in the status, and a message that moves with them would be a write a pod.
  return progressing("RollingOut", `Pods of pool ${pool.name} are being rolled out.`);
}

function beingTold({ routing }: Evidence): Finding | undefined {
  const [pool] = routing?.beingTold ?? [];
  if (pool === undefined) return;
  return progressing("RoutePending", `The gateway is being told of pool ${pool}: calls go there in some seconds.`);
}

/** In the order of causes before effects. */
export const checks: Check[] = [
  invalidSpec,
  obstacle,
  taskStore,
  deadlineExceeded,
  missingReference,
  podProblem,
  replicaFailure,
  notRouted,
  rollout,
  beingTold,
];
