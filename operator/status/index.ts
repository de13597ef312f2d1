// A server's status, computed from what was observed. Pure: the same evidence gives the same status, and a transition time
// moves only when its condition's status does.
import { type Condition, mainPool, type Spec, type Status } from "../api/mcpserver.ts";
import { poolSelector, selectorText } from "../desired/labels.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { serviceUrl } from "../desired/service.ts";
import { checks, type Evidence } from "./checks.ts";
import type { Finding } from "./finding.ts";
import type { DeploymentState } from "./observed.ts";

export interface StatusInput extends Omit<Evidence, "metadata" | "problems"> {
  server: { metadata: Evidence["metadata"]; spec: Spec | undefined; problems: Evidence["problems"]; status: Status };
  /** RFC 3339. */
  now: string;
}

type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;
const verdict = (type: string, holds: boolean, { reason, message }: { reason: string; message: string }): Verdict => ({
  type,
  status: holds ? "True" : "False",
  reason,
  message,
});

const idle = { reason: "Settled", message: "Nothing is being changed." };
const paused = { reason: "Paused", message: "spec.paused is true, so no object is written: set it to false to go on." };

function ready(finding: Finding | undefined, available: Verdict): Verdict {
  if (finding) return verdict("Ready", false, finding);
  if (available.reason === "ScaledToZero") return { ...available, type: "Ready", status: "True" };
  return verdict("Ready", true, { reason: "Ready", message: "All pools run what the spec says." });
}

/** Whether callers get answers now, from whatever version. */
function available(pools: EffectivePool[], deployments: ReadonlyMap<string, DeploymentState>): Verdict {
  const silent = pools.find(({ objectName }) => (deployments.get(objectName)?.available ?? 0) === 0);
  if (pools.length > 0 && !silent)
    return verdict("Available", true, { reason: "PodsAnswer", message: "Every pool has a pod that takes calls." });
  const deployment = silent && deployments.get(silent.objectName);
  if (silent && deployment?.desired === 0)
    return verdict("Available", false, {
      reason: "ScaledToZero",
      message: `Pool ${silent.name} is scaled to zero pods: raise its replicas to have calls answered.`,
    });
  return verdict("Available", false, {
    reason: "NoPods",
    message: `No pod of ${silent ? `pool ${silent.name}` : "the server"} takes calls: see condition Ready for why.`,
  });
}

function verdicts(input: StatusInput): Verdict[] {
  const { server, pools, deployments } = input;
  const isPaused = server.spec?.paused ?? false;
  const evidence = { ...input, metadata: server.metadata, problems: server.problems };
  const finding = checks.map((check) => check(evidence)).find((found) => found !== undefined);
  const answering = available(pools, deployments);
  const isStalled = finding?.state === "stalled";
  const isReconciling = finding?.state === "progressing" && !isPaused;
  return [
    ready(finding, answering),
    verdict("Reconciling", isReconciling, isPaused ? paused : isReconciling ? finding : idle),
    verdict("Stalled", isStalled, isStalled ? finding : idle),
    answering,
  ];
}

/** API server limit of a condition's message. */
const maxMessage = 32_768;

function condition(
  found: Verdict,
  before: Condition | undefined,
  { now, observedGeneration }: { now: string; observedGeneration: number },
): Condition {
  const lastTransitionTime = before?.status === found.status ? before.lastTransitionTime : now;
  return { ...found, message: found.message.slice(0, maxMessage), lastTransitionTime, observedGeneration };
}

/** The status of a server. */
export function computeStatus(input: StatusInput): Status {
  const { server, pools, deployments, now } = input;
  const { generation: observedGeneration, name } = server.metadata;
  const before = new Map((server.status.conditions ?? []).map((each) => [each.type, each]));
  const found = verdicts(input);
  const conditions = found.map((each) => condition(each, before.get(each.type), { now, observedGeneration }));
  const counts = pools.map(({ name: pool, objectName }) => {
    const { replicas = 0, ready: readyReplicas = 0 } = deployments.get(objectName) ?? {};
    return { name: pool, replicas, readyReplicas };
  });
  const [main] = pools;
  const answering = found.some(({ type, status }) => type === "Available" && status === "True");
  return {
    observedGeneration,
    conditions,
    ...(main &&
      answering &&
      server.spec && { url: serviceUrl({ metadata: server.metadata, spec: server.spec }, main) }),
    ...(counts[0] && { replicas: counts[0].replicas, readyReplicas: counts[0].readyReplicas }),
    selector: selectorText(poolSelector(name, mainPool)),
    ...(counts.length > 0 && { pools: counts }),
  };
}
