// One server, once: gather → desired → plan → apply → status. Every step may be the last before a crash.
import type { McpServer, Status } from "../api/mcpserver.ts";
import { desired } from "../desired/index.ts";
import { hashOf, type KubeObject } from "../desired/object.ts";
import { type EffectivePool, poolsOf } from "../desired/pool.ts";
import { type Ring, requestStateSecretName } from "../desired/request-state.ts";
import type { Client } from "../kube/client.ts";
import { ApiError, Incomplete } from "../kube/errors.ts";
import { keyOf } from "../kube/store.ts";
import { computeStatus } from "../status/index.ts";
import type { MissingReference, Obstacle } from "../status/observed.ts";
import { isRolledOut } from "../status/rollout.ts";
import type { RoutingEvidence } from "../status/routed.ts";
import type { Caches } from "./caches.ts";
import type { Contention } from "./contention.ts";
import type { Contents } from "./contents.ts";
import { execute } from "./execute.ts";
import { isWorkload } from "./kinds.ts";
import { type Child, configKey, type ObservedServer } from "./observed.ts";
import { type Plan, plan } from "./plan.ts";
import type { Report } from "./report.ts";
import { currentRing, ringWithKeys } from "./ring.ts";
import { type GatheredRouting, gatherRouting } from "./routing.ts";
import type { Waited } from "./waited.ts";

export interface ReconcileContext {
  client: Client;
  caches: Caches;
  contents: Contents;
  contention: Contention;
  waited: Waited;
  report: Report;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How often in a row this server has failed. */
  failures: number;
}

/** What a plan is made of: nothing here is written to. */
export type PlanContext = Pick<ReconcileContext, "client" | "contents" | "now"> & {
  caches: Pick<Caches, "children" | "config" | "serversAt" | "gateway" | "controllerOf" | "sees">;
  /** Undefined: plans as if all pods took calls and gateways knew of it, which is what routes come to in the end. */
  waited: Waited | undefined;
};

interface Gathered {
  server: McpServer;
  pools: EffectivePool[];
  children: Child[];
  ring: Ring;
  config: GatheredConfig;
  routing: GatheredRouting | undefined;
}

const deploymentsOf = (children: Child[]) =>
  new Map(
    children.flatMap(({ kind, name, deployment }) => (kind === "Deployment" && deployment ? [[name, deployment]] : [])),
  );

/** Whether all pods of all pools run, and with what this hash stands for. */
function allRolledOut(pools: EffectivePool[], children: Child[], configHash: string): boolean {
  const deployments = deploymentsOf(children);
  return pools.every(({ objectName }) => {
    const deployment = deployments.get(objectName);
    return deployment?.configHash === configHash && isRolledOut(deployment);
  });
}

/** What pods read at start: a hash of all of it, given that of the ring, and what of it isn't there. */
interface GatheredConfig {
  hashWith: (ringHash: string | undefined) => string;
  missing: MissingReference[];
}

async function gatherConfig(
  { metadata, references }: ObservedServer,
  { caches, contents }: PlanContext,
): Promise<GatheredConfig> {
  const { namespace } = metadata;
  const ringSecret = requestStateSecretName({ metadata });
  const theirs = references
    .filter(({ kind, name }) => kind !== "Secret" || name !== ringSecret)
    .map((reference) => ({
      ...reference,
      known: caches.config(configKey(reference.kind, { namespace, name: reference.name })),
    }));
  const hashes: string[] = [];
  for (const { kind, name, known } of theirs.filter(({ use }) => use === "environment")) {
    const hash = known && (await contents.hash(kind, { namespace, name }, known.resourceVersion));
    hashes.push(`${kind}/${name}/${hash ?? ""}`);
  }
  return {
    missing: theirs.filter(({ known, optional }) => !known && !optional),
    // The ring's hash is known to nobody who can't read the Secret: it keeps weak values from being guessed from the hash.
    hashWith: (ringHash = "") => hashOf([ringHash, ...hashes]),
  };
}

/** Stands for the ring where the user brings the keys: there is nothing to make. */
const noRing: Ring = { phase: "steady", rotatedAt: "", hash: "" };

/** The ring as it should be now, and when to look again. */
async function gatherRing(
  { server, pools, children }: Pick<Gathered, "server" | "pools" | "children">,
  { hashWith }: GatheredConfig,
  { client, caches, now }: PlanContext,
): Promise<{ ring: Ring; after?: number }> {
  if (server.spec.requestState.secretRef) return { ring: noRing };
  const { namespace } = server.metadata;
  const secret = caches.config(configKey("Secret", { namespace, name: requestStateSecretName(server) }));
  const state = secret?.ring;
  const rolledOut = allRolledOut(pools, children, hashWith(state?.hash));
  return currentRing({ client, server, exists: secret !== undefined, state, rolledOut, now: now() });
}

const desiredOf = ({ server, ring, config, children, routing }: Gathered): KubeObject[] =>
  desired(server, {
    ring,
    routing: routing?.world,
    configHash: config.hashWith(ring.hash),
    deployments: new Set(deploymentsOf(children).keys()),
  });

const writesSecret = ({ create, update }: Plan) =>
  [...create, ...update.map(({ object }) => object)].some(({ kind }) => kind === "Secret");

/** The plan for what the cluster has kinds for. */
function planOf(gathered: Gathered, { caches }: PlanContext): Plan {
  const objects = desiredOf(gathered);
  const absent = objects.filter(({ kind }) => !caches.sees(kind));
  const first = plan(
    objects.filter((object) => !absent.includes(object)),
    gathered.children,
    gathered.server.metadata.uid,
  );
  const obstacles = absent.map(({ kind, metadata }) => ({
    kind,
    name: metadata.name,
    why: "absent" as const,
    message: "",
  }));
  return { ...first, obstacles: [...first.obstacles, ...obstacles] };
}

/** The plan; the ring's keys are read only when the Secret has to be written. */
async function planFor(gathered: Gathered, context: PlanContext): Promise<Plan> {
  const { server, ring } = gathered;
  const first = planOf(gathered, context);
  if (ring.keys || !writesSecret(first)) return first;
  return planOf({ ...gathered, ring: await ringWithKeys(context.client, server, ring) }, context);
}

/** What a server that isn't paused needs, all at once, and what was learnt on the way to it. */
export async function planServer(
  observed: ObservedServer,
  server: McpServer,
  context: PlanContext,
): Promise<{
  whole: Plan;
  missing: MissingReference[];
  routing: GatheredRouting | undefined;
  ringDue: number | undefined;
}> {
  const pools = poolsOf(server);
  const { caches, waited } = context;
  const children = caches.children(keyOf(server.metadata));
  const own = children.filter(({ owner }) => owner === server.metadata.uid);
  const routing = gatherRouting(server, { pools, own, caches, waited });
  const config = await gatherConfig(observed, context);
  const { ring, after: ringDue } = await gatherRing({ server, pools, children }, config, context);
  const whole = await planFor({ server, pools, children, ring, config, routing }, context);
  return { whole, missing: config.missing, routing, ringDue };
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
  if (retire.length > 0) return { todo: { ...staying, retire }, after: soon };
  const after = Math.max(...leaving.map(({ uid }) => untilForgotten - waited(`leaving/${uid}`)));
  return after > 0 ? { todo: staying, after } : { todo: whole };
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

const nothingFound: Findings = { pools: [], obstacles: [], missing: [], routing: undefined };

/** So many failures in a row are worth telling; fewer are the API server's restarts and hiccups. */
const patience = 4;

/** Stands for a write that failed and will be tried again. Throws the failure while it is no news. */
function failing(failure: unknown, { failures }: ReconcileContext): Obstacle[] {
  if (failure === undefined) return [];
  if (failures < patience || !(failure instanceof ApiError)) throw failure;
  return [{ kind: "", name: "", why: "failing", message: failure.message }];
}

/** Brings the server of the key to its desired state; returns when to look again, in milliseconds. */
export async function reconcile(key: string, context: ReconcileContext): Promise<{ after?: number | undefined }> {
  const observed = context.caches.server(key);
  // Its children go with it: they are its own, and Kubernetes collects them.
  if (!observed || observed.metadata.deletionTimestamp) return {};
  const { spec, metadata } = observed;
  if (!spec) return { after: await conclude(observed, nothingFound, context) };
  const server: McpServer = { metadata, spec };
  const pools = poolsOf(server);
  if (spec.paused) return { after: await conclude(observed, { ...nothingFound, pools }, context) };

  const { whole, missing, routing, ringDue } = await planServer(observed, { metadata, spec }, context);
  const { todo: kept, after: lingerDue } = lingering(whole, server, context.waited);
  const { todo: paced, contended, after: healDue } = pacedPlan(kept, context.contention);
  const { todo, after: restDue } = cautious(paced, observed.status);
  const { obstacles: refused, failures, written } = await execute(todo, { ...context, serverUid: metadata.uid });
  const [failure] = failures;
  // Another try goes on from here, and is no repetition.
  if (failure && written > 0) throw new Incomplete(failure);
  const obstacles = [...contended, ...refused, ...failing(failure, context)];
  const reportDue = await conclude(observed, { pools, obstacles, missing, routing: routing?.evidence }, context);
  if (failure) throw failure;
  const obstaclesDue = obstacles.map(({ why }) => retryObstacle[why]);
  return { after: soonest(ringDue, routing?.after, lingerDue, healDue, restDue, reportDue, ...obstaclesDue) };
}

interface Findings {
  pools: EffectivePool[];
  obstacles: Obstacle[];
  missing: MissingReference[];
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
