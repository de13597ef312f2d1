// One server, once: gather → desired → plan → apply → status. Every step may be the last before a crash.
import type { McpServer, Status } from "../api/mcpserver.ts";
import { poolLabel } from "../desired/labels.ts";
import type { KubeObject } from "../desired/object.ts";
import { type EffectivePool, poolsOf } from "../desired/pool.ts";
import { openTelemetryCollectorKind } from "../desired/telemetry/open-telemetry-collector.ts";
import { collectorRole } from "../desired/telemetry/parts.ts";
import { ApiError, Incomplete } from "../kube/errors.ts";
import { keyOf } from "../kube/store.ts";
import type { Answers } from "../probe/answers.ts";
import { computeStatus } from "../status/index.ts";
import type { MissingReference, Obstacle } from "../status/observed.ts";
import { isRolledOut } from "../status/rollout.ts";
import type { RoutingEvidence } from "../status/routed.ts";
import type { ScalingVerdict } from "../status/scaling.ts";
import type { StoreVerdict } from "../status/task-store.ts";
import type { TelemetryVerdict } from "../status/telemetry.ts";
import type { Span } from "../telemetry/trace.ts";
import { toldOf } from "./ask.ts";
import type { Caches } from "./caches.ts";
import type { Contention } from "./contention.ts";
import { execute } from "./execute.ts";
import { isWorkload } from "./kinds.ts";
import type { Child, ObservedServer } from "./observed.ts";
import type { Plan } from "./plan.ts";
import { deploymentsOf, type PlanContext, planServer } from "./plan-server.ts";
import type { Report } from "./report.ts";
import { judgeScaling, withoutEarlyScaledObjects } from "./scaling.ts";
import { type GatheredStore, judgeStore } from "./task-store.ts";
import { judgeTelemetry } from "./telemetry.ts";
import type { Waited } from "./waited.ts";

export interface ReconcileContext extends PlanContext {
  caches: Caches;
  contention: Contention;
  waited: Waited;
  report: Report;
  /** Undefined: neither stores nor pods are asked anything. */
  answers: Answers | undefined;
  /** A server is to be looked at again. */
  wake: (serverKey: string) => void;
  /** How often in a row this server has failed. */
  failures: number;
  span: Span;
}

/** Between a change of routes and the next one that takes it for known, in milliseconds. */
const soon = 1000;
/** How long gateways may take to learn that a pool takes no more calls, in milliseconds. */
const untilForgotten = 10_000;

/**
 * The plan without the pods of pools that the spec no longer has, while calls may be on their way to them, and without
 * their HTTPRoutes: other routes change first, then these take no more calls, and some time later all of it goes.
 */
function lingering(whole: Plan, { spec }: McpServer, waited: Waited): { todo: Plan; after?: number } {
  const isLeaving = ({ kind }: Child) => kind === "Deployment" || kind === "HTTPRoute";
  const leaving = whole.remove.filter(isLeaving);
  if (!spec.routing || leaving.length === 0) return { todo: whole };
  const names = new Set(leaving.map(({ name }) => name));
  const stays = (child: Child) => isLeaving(child) || (isWorkload(child.kind) && names.has(child.name));
  const staying = { ...whole, remove: whole.remove.filter((child) => !stays(child)) };

  const changes = [...whole.create, ...whole.update.map(({ object }) => object), ...staying.remove];
  if (changes.some(({ kind }) => !isWorkload(kind))) return { todo: staying, after: soon };
  const retire = leaving.filter(({ kind, idle }) => kind === "HTTPRoute" && !idle);
  if (retire.length > 0) return { todo: { ...staying, retire: [...whole.retire, ...retire] }, after: soon };
  const after = Math.max(...leaving.map(({ uid }) => untilForgotten - waited(`leaving/${uid}`)));
  return after > 0 ? { todo: staying, after } : { todo: whole };
}

/** Whether it is one of a pool's own, and not the collector's. */
const isOfPods = ({ kind, metadata }: KubeObject) =>
  ["Deployment", "HorizontalPodAutoscaler", "ScaledObject"].includes(kind) && metadata.labels[poolLabel] !== undefined;

/**
 * The plan without new pods while the store doesn't answer: they could only fail. Those that there are go on; what they read
 * of a store that nobody knows isn't known either, so they stay as they are.
 */
function heldBack(whole: Plan, store: GatheredStore | undefined, verdict: StoreVerdict | undefined): Plan {
  if (!store || verdict?.status !== "False") return whole;
  const isKnown = store.owner !== undefined;
  return {
    ...whole,
    create: whole.create.filter((object) => !isOfPods(object)),
    update: whole.update.filter(({ object }) => isKnown || !isOfPods(object)),
  };
}

/**
 * The plan with the collector's last configuration left alone as long as pods of it may run; and with all of it left alone
 * until the one that the OpenTelemetry Operator makes instead takes telemetry.
 */
function withLastCollector(whole: Plan, own: Child[]): Plan {
  const isPart = ({ kind, role }: Child) => role === collectorRole && ["Deployment", "ConfigMap"].includes(kind);
  const last = own.find((each) => isPart(each) && each.deployment);
  if (!last?.deployment) return whole;
  const without = (kept: (each: Child) => boolean) => ({
    ...whole,
    remove: whole.remove.filter((each) => !kept(each)),
  });
  const isOperated = [...whole.create, ...own].some(({ kind }) => kind === openTelemetryCollectorKind);
  const isDue = !isOperated || own.some(({ ready = 0 }) => ready > 0);
  if (whole.remove.includes(last)) return isDue ? whole : without(isPart);
  if (isRolledOut(last.deployment) && !whole.update.some(({ child }) => child === last)) return whole;
  return without((each) => isPart(each) && each.kind === "ConfigMap");
}

/** The plan without the heals whose turn it isn't, and when it will be. */
function pacedPlan(whole: Plan, contention: Contention): { todo: Plan; contended: Obstacle[]; after?: number } {
  const contended: Obstacle[] = [];
  let after = Number.POSITIVE_INFINITY;
  const update = whole.update.filter(({ object, child, drifted }) => {
    const wait = drifted ? contention(child.uid) : 0;
    if (wait === 0) return true;
    after = Math.min(after, wait);
    contended.push({ kind: object.kind, name: object.metadata.name, why: "contended", message: "" });
    return false;
  });
  return { todo: { ...whole, update }, contended, ...(contended.length > 0 && { after }) };
}

/** In a namespace that was going away, one object is enough to see whether it still is; the rest follows soon when not. */
function cautious(todo: Plan, { conditions }: Status): { todo: Plan; after?: number } {
  const wasTerminating = conditions?.some(({ reason }) => reason === "NamespaceTerminating");
  const [first, ...rest] = todo.create;
  if (!wasTerminating || !first || rest.length === 0) return { todo };
  return { todo: { ...todo, create: [first] }, after: 10_000 };
}

/** When to try again what nothing that is watched will tell of, in milliseconds. */
const retryObstacle: Partial<Record<Obstacle["why"], number>> = {
  foreign: 10_000,
  terminating: 30_000,
  rejected: 60_000,
};

const soonest = (...times: (number | undefined)[]) => {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
};

const nothingFound: Findings = {
  pools: [],
  obstacles: [],
  missing: [],
  store: undefined,
  telemetry: undefined,
  scaling: undefined,
  routing: undefined,
};

/** Nobody is asked anything, so what was told stands: other servers may use its store or its collector, and go by it. */
const pausedFindings = (observed: ObservedServer, pools: EffectivePool[]): Findings => ({
  ...nothingFound,
  pools,
  store: toldOf(observed, "TaskStoreReady"),
  telemetry: toldOf(observed, "TelemetryReady"),
  scaling: toldOf(observed, "AutoscalingReady"),
});

/** So many failures in a row are worth telling; fewer are the API server's restarts and hiccups. */
const patience = 4;

/** Stands for a write that failed and will be tried again. Throws the failure while it is no news. */
function failing(failure: unknown, { failures }: ReconcileContext): Obstacle[] {
  if (failure === undefined) return [];
  if (failures < patience || !(failure instanceof ApiError)) throw failure;
  return [{ kind: "", name: "", why: "failing", message: failure.message }];
}

/** How much there is to do, as a span tells it. */
const sizes = ({ create, update, remove }: Plan) => ({
  "anypod.creates": create.length,
  "anypod.updates": update.length,
  "anypod.deletes": remove.length,
});

/** Brings the server of the key to its desired state; returns when to look again, in milliseconds. */
export async function reconcile(key: string, context: ReconcileContext): Promise<{ after?: number | undefined }> {
  const observed = context.caches.server(key);
  // Its children go with it: they are its own, and Kubernetes collects them.
  if (!observed || observed.metadata.deletionTimestamp) return {};
  const { spec, metadata } = observed;
  if (!spec) return { after: await conclude(observed, nothingFound, context) };
  const server: McpServer = { metadata, spec };
  const pools = poolsOf(server);
  if (spec.paused) return { after: await conclude(observed, pausedFindings(observed, pools), context) };

  const planned = await context.span("plan", {}, () => planServer(observed, server, context));
  const { missing, store, routing, dues } = planned;
  const { verdict, after: storeDue } = await judgeStore({ observed, server, ...planned }, context);
  const ofTelemetry = judgeTelemetry({ observed, server, ...planned }, context);
  const early = withoutEarlyScaledObjects(planned.whole, planned.own);
  const whole = withLastCollector(heldBack(early, store, verdict), planned.own);
  const { todo: kept, after: lingerDue } = lingering(whole, server, context.waited);
  const { todo: paced, contended, after: healDue } = pacedPlan(kept, context.contention);
  const { todo, after: restDue } = cautious(paced, observed.status);
  const {
    obstacles: refused,
    failures,
    written,
  } = await context.span("apply", sizes(todo), () => execute(todo, { ...context, serverUid: metadata.uid }));
  const [failure] = failures;
  // Another try goes on from here, and is no repetition.
  if (failure && written > 0) throw new Incomplete(failure);
  const obstacles = [...contended, ...refused, ...failing(failure, context)];
  const { verdict: telemetry } = ofTelemetry;
  const { verdict: scaling, after: scalingDue } = judgeScaling({ observed, server, pools, obstacles }, context);
  const findings = { pools, obstacles, missing, store: verdict, telemetry, scaling, routing: routing?.evidence };
  const reportDue = await context.span("status", {}, () => conclude(observed, findings, context));
  if (failure) throw failure;
  const obstaclesDue = obstacles.map(({ why }) => retryObstacle[why]);
  const planDues = [...dues, routing?.after, storeDue, ofTelemetry.after, scalingDue];
  return { after: soonest(...planDues, lingerDue, healDue, restDue, reportDue, ...obstaclesDue) };
}

interface Findings {
  pools: EffectivePool[];
  obstacles: Obstacle[];
  missing: MissingReference[];
  store: StoreVerdict | undefined;
  telemetry: TelemetryVerdict | undefined;
  scaling: ScalingVerdict | undefined;
  routing: RoutingEvidence | undefined;
}

/** Brings the status up to date; returns when to look again, in milliseconds. */
function conclude(
  observed: ObservedServer,
  findings: Findings,
  context: ReconcileContext,
): Promise<number | undefined> {
  const key = keyOf(observed.metadata);
  const own = context.caches.children(key).filter(({ owner }) => owner === observed.metadata.uid);
  const status = computeStatus({
    ...findings,
    server: observed,
    deployments: deploymentsOf(own),
    podProblems: context.caches.podProblems(key),
    now: new Date(context.now()).toISOString(),
  });
  return context.report(observed, status);
}
