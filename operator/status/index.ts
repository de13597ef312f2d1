// A server's status, computed from what was observed. Pure: the same evidence gives the same status, and a transition time
// moves only when its condition's status does.
import type { Condition, Spec, Status } from "../api/mcpserver.ts";
import { canaryPool, mainPool } from "../api/pool.ts";
import { poolSelector, selectorText } from "../desired/labels.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { serviceUrl } from "../desired/service.ts";
import { checks, type Evidence, notRouted } from "./checks.ts";
import type { Finding } from "./finding.ts";
import type { DeploymentState } from "./observed.ts";
import { routedUrl } from "./routed.ts";

export interface StatusInput extends Omit<Evidence, "metadata" | "spec" | "problems"> {
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

/** Conditions that only a server with spec.routing has. */
function routingVerdicts(evidence: Evidence): Verdict[] {
  const { routing } = evidence;
  if (!routing) return [];
  const problem = evidence.obstacles.some(({ why }) => why === "absent")
    ? { reason: "NotInstalled", message: "A kind that routes need isn't installed: see condition Ready." }
    : notRouted(evidence);
  const reached = { reason: "RoutesAccepted", message: "Every route of the server is accepted." };
  const byHeaders = { reason: "RoutesMatchHeaders", message: "Calls go to pools by Mcp-Method and Mcp-Name." };
  const blind = {
    reason: "ClassCannotMatchHeaders",
    message:
      "The ingress controller can't tell calls apart by header, so the main pool takes all of them: use a Gateway, or an IngressClass that docs/expose.md names.",
  };
  const whole = { reason: "Supported", message: "All of spec.routing is in force." };
  const lacks = {
    reason: "NotSupported",
    message: routing.cannot.map(({ field, message }) => `spec.${field}: ${message}`).join(" "),
  };
  return [
    verdict("Routed", !problem, problem ?? reached),
    verdict("HeaderRouting", routing.matchesHeaders, routing.matchesHeaders ? byHeaders : blind),
    verdict("RoutingSupported", routing.cannot.length === 0, routing.cannot.length === 0 ? whole : lacks),
  ];
}

function verdicts(evidence: Evidence): Verdict[] {
  const { spec, pools, deployments, store, telemetry, scaling } = evidence;
  const isPaused = spec?.paused ?? false;
  const finding = checks.map((check) => check(evidence)).find((found) => found !== undefined);
  const answering = available(pools, deployments);
  const isStalled = finding?.state === "stalled";
  const isReconciling = finding?.state === "progressing" && !isPaused;
  return [
    ready(finding, answering),
    verdict("Reconciling", isReconciling, isPaused ? paused : isReconciling ? finding : idle),
    verdict("Stalled", isStalled, isStalled ? finding : idle),
    answering,
    ...routingVerdicts(evidence),
    ...(store ? [verdict("TaskStoreReady", store.status === "True", store)] : []),
    ...(telemetry ? [verdict("TelemetryReady", telemetry.status === "True", telemetry)] : []),
    ...(scaling ? [verdict("AutoscalingReady", scaling.status === "True", scaling)] : []),
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

/** Where clients reach the server, once it answers: from outside, when it has a way out. */
function urlOf({ metadata, spec, pools, routing }: Evidence, found: Verdict[]): string | undefined {
  const holds = (type: string) => found.some((each) => each.type === type && each.status === "True");
  const [main] = pools;
  if (!spec || !main || !holds("Available")) return;
  if (!routing) return serviceUrl({ metadata, spec }, main);
  return holds("Routed") ? routedUrl({ metadata, spec, routing }) : undefined;
}

/** The status of a server. */
export function computeStatus(input: StatusInput): Status {
  const { server, pools, deployments, now } = input;
  const { generation: observedGeneration, name } = server.metadata;
  const before = new Map((server.status.conditions ?? []).map((each) => [each.type, each]));
  const evidence: Evidence = { ...input, ...server };
  const found = verdicts(evidence);
  const conditions = found.map((each) => condition(each, before.get(each.type), { now, observedGeneration }));
  const counts = pools.map(({ name: pool, objectName }) => {
    const { replicas = 0, ready: readyReplicas = 0 } = deployments.get(objectName) ?? {};
    const weight = pool === canaryPool ? server.spec?.canary?.weight : undefined;
    return { name: pool, replicas, readyReplicas, ...(weight !== undefined && { weight }) };
  });
  const url = urlOf(evidence, found);
  return {
    observedGeneration,
    conditions,
    ...(url !== undefined && { url }),
    ...(counts[0] && { replicas: counts[0].replicas, readyReplicas: counts[0].readyReplicas }),
    selector: selectorText(poolSelector(name, mainPool)),
    ...(counts.length > 0 && { pools: counts }),
  };
}
