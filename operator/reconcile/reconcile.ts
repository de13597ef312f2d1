// One server, once: gather → desired → plan → apply → status. Every step may be the last before a crash.
import type { McpServer } from "../api/mcpserver.ts";
import { desired } from "../desired/index.ts";
import { hashOf, type KubeObject } from "../desired/object.ts";
import { type EffectivePool, poolsOf } from "../desired/pool.ts";
import { type Ring, requestStateSecretName } from "../desired/request-state.ts";
import type { Client } from "../kube/client.ts";
import { computeStatus } from "../status/index.ts";
import type { MissingReference, Obstacle } from "../status/observed.ts";
import { isRolledOut } from "../status/rollout.ts";
import type { Caches } from "./caches.ts";
import type { Contents } from "./contents.ts";
import { execute } from "./execute.ts";
import { type Child, configKey, type ObservedServer } from "./observed.ts";
import { type Plan, plan } from "./plan.ts";
import { currentRing, ringWithKeys } from "./ring.ts";
import { writeStatus } from "./write-status.ts";

export interface ReconcileContext {
  client: Client;
  caches: Caches;
  contents: Contents;
  /** Milliseconds since the epoch. */
  now: () => number;
}

interface Gathered {
  server: McpServer;
  pools: EffectivePool[];
  children: Child[];
  ring: Ring;
  configHash: string;
  missing: MissingReference[];
}

const deploymentsOf = (children: Child[]) =>
  new Map(
    children.flatMap(({ kind, name, deployment }) => (kind === "Deployment" && deployment ? [[name, deployment]] : [])),
  );

/** Whether all pods of all pools run what their Deployments ask for. */
function allRolledOut(pools: EffectivePool[], children: Child[]): boolean {
  const deployments = deploymentsOf(children);
  return pools.every(({ objectName }) => {
    const deployment = deployments.get(objectName);
    return deployment !== undefined && isRolledOut(deployment);
  });
}

/** Hash of all that pods read at start, and what of it isn't there. */
async function gatherConfig(
  { metadata, references }: ObservedServer,
  ring: Ring,
  { caches, contents }: ReconcileContext,
): Promise<Pick<Gathered, "configHash" | "missing">> {
  const { namespace } = metadata;
  const missing: MissingReference[] = [];
  const hashes: string[] = [];
  for (const { kind, name, optional, use } of references) {
    if (kind === "Secret" && name === requestStateSecretName({ metadata })) {
      hashes.push(ring.hash);
      continue;
    }
    const known = caches.config(configKey(kind, { namespace, name }));
    const hash =
      known && use === "environment"
        ? await contents.hash(kind, { namespace, name }, known.resourceVersion)
        : undefined;
    if (!known && !optional) missing.push({ kind, name, use });
    if (use === "environment") hashes.push(`${kind}/${name}/${hash ?? ""}`);
  }
  return { configHash: hashOf(hashes), missing };
}

const desiredOf = ({ server, ring, configHash, children }: Gathered): KubeObject[] =>
  desired(server, { ring, configHash, deployments: new Set(deploymentsOf(children).keys()) });

const writesSecret = ({ create, update }: Plan) =>
  [...create, ...update.map(({ object }) => object)].some(({ kind }) => kind === "Secret");

/** The plan; the ring's keys are read only when the Secret has to be written. */
async function planFor(gathered: Gathered, { client }: ReconcileContext): Promise<Plan> {
  const { server, children, ring } = gathered;
  const { uid } = server.metadata;
  const first = plan(desiredOf(gathered), children, uid);
  if (ring.keys || !writesSecret(first)) return first;
  const whole = await ringWithKeys(client, server, ring);
  return plan(desiredOf({ ...gathered, ring: whole }), children, uid);
}

/** Brings the server of the key to its desired state; returns when to look again, in milliseconds. */
export async function reconcile(key: string, context: ReconcileContext): Promise<{ after?: number | undefined }> {
  const observed = context.caches.server(key);
  // Its children go with it: they are its own, and Kubernetes collects them.
  if (!observed || observed.metadata.deletionTimestamp) return {};
  const { spec, metadata } = observed;
  if (!spec) return report(observed, { pools: [], obstacles: [], missing: [] }, context);
  const server: McpServer = { metadata, spec };
  const pools = poolsOf(server);
  if (spec.paused) return report(observed, { pools, obstacles: [], missing: [] }, context);

  const children = context.caches.children(key);
  const ringKey = configKey("Secret", { namespace: metadata.namespace, name: requestStateSecretName(server) });
  const { ring, after } = await currentRing({
    client: context.client,
    server,
    state: context.caches.config(ringKey)?.ring,
    rolledOut: allRolledOut(pools, children),
    now: context.now(),
  });
  const { configHash, missing } = await gatherConfig(observed, ring, context);
  const todo = await planFor({ server, pools, children, ring, configHash, missing }, context);
  const obstacles = await execute(todo, { ...context, serverUid: metadata.uid });
  await report(observed, { pools, obstacles, missing }, context);
  return { after };
}

interface Findings {
  pools: EffectivePool[];
  obstacles: Obstacle[];
  missing: MissingReference[];
}

/** Writes the status, when it says something new. */
async function report(
  observed: ObservedServer,
  findings: Findings,
  context: ReconcileContext,
): Promise<{ after?: number }> {
  const { namespace, name } = observed.metadata;
  const key = `${namespace}/${name}`;
  const status = computeStatus({
    ...findings,
    server: observed,
    deployments: deploymentsOf(context.caches.children(key).filter(({ owner }) => owner === observed.metadata.uid)),
    podProblems: context.caches.podProblems(key),
    now: new Date(context.now()).toISOString(),
  });
  await writeStatus(observed, status, context);
  return {};
}
