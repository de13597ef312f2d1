// Carries out a plan: writes what differs, and says what could not be written and why. Any write may be the last before the
// operator dies: the next pass plans again from what is there.

import { manager, poolLabel, serverLabel } from "../desired/labels.ts";
import { desiredHashAnnotation, type KubeObject } from "../desired/object.ts";
import { idle } from "../desired/routing/gateway/idle.ts";
import type { Client } from "../kube/client.ts";
import { isConflict, isNamespaceTerminating, isNotFound, isRefusal } from "../kube/errors.ts";
import { type ApiObject, apply, read, remove } from "../kube/resource.ts";
import type { Obstacle } from "../status/observed.ts";
import type { Caches } from "./caches.ts";
import { typeOf } from "./kinds.ts";
import { type Child, childOf } from "./observed.ts";
import type { Plan } from "./plan.ts";

export interface ExecuteOptions {
  client: Client;
  caches: Pick<Caches, "written" | "deleted">;
  serverUid: string;
}

type WithMeta = { metadata: Record<string, unknown> & { name: string; namespace: string } };
const withMetadata = (object: KubeObject, extra: object): KubeObject & WithMeta =>
  ({ ...object, metadata: { ...object.metadata, ...extra } }) as KubeObject & WithMeta;

/** No object is at version 1: an apply that says so fails when there is one, so that nothing is ever adopted by accident. */
const mustNotExist = { resourceVersion: "1" };

async function write(object: KubeObject, { client, caches }: ExecuteOptions): Promise<void> {
  caches.written(await apply<ApiObject>(client, typeOf(object.kind), object, { fieldManager: manager, force: true }));
}

/**
 * The replicas that anypod once set and that nobody has changed since, kept as they are: to stop sending them would make
 * the API server fall back to one pod. Whoever scales takes the field over, and it is never sent again.
 */
function withKeptReplicas(object: KubeObject, { deployment }: Child): KubeObject | undefined {
  const spec = object.spec as { replicas?: number } | undefined;
  if (!deployment?.ownsReplicas || spec?.replicas !== undefined) return;
  return { ...object, spec: { replicas: deployment.desired, ...spec } };
}

/**
 * The object with what has to hold for it to be written: that it is still the child that was seen. What was computed from
 * the child's own state, kept replicas and a step of the ring, also needs it to be in the very version that was seen.
 */
function guarded(object: KubeObject, child: Child): KubeObject {
  const { uid, resourceVersion } = child;
  const kept = withKeptReplicas(object, child);
  const exact = kept !== undefined || object.kind === "Secret";
  return withMetadata(kept ?? object, exact ? { uid, resourceVersion } : { uid });
}

async function create(object: KubeObject, options: ExecuteOptions): Promise<Obstacle[]> {
  try {
    await write(withMetadata(object, mustNotExist), options);
    return [];
  } catch (error) {
    if (!isConflict(error)) throw error;
    return writeOver(object, options);
  }
}

/** Writes an object that is there, though the caches don't know it: this server's own, its labels taken by somebody, or new. */
async function writeOver(object: KubeObject, options: ExecuteOptions): Promise<Obstacle[]> {
  const existing = await read<ApiObject>(options.client, typeOf(object.kind), object.metadata);
  const child = childOf("", object.kind, existing);
  const isOurs = child.owner === options.serverUid || (child.kept && isOfServer(existing, object));
  if (!isOurs) return [obstacle(object, "foreign", "")];
  if (child.deleting) return [obstacle(object, "leaving", "")];
  await write(guarded(object, child), options);
  return [];
}

/** Whether it was made for a server of the same name. */
const isOfServer = ({ metadata }: ApiObject, object: KubeObject) =>
  metadata.labels?.[serverLabel] === object.metadata.labels[serverLabel];

function obstacle(object: KubeObject, why: Obstacle["why"], message: string): Obstacle {
  return { kind: object.kind, name: object.metadata.name, why, message };
}

/** Refusals that another try won't change become obstacles; all else is thrown, to be tried again. */
function refusal(object: KubeObject, error: unknown): Obstacle[] {
  if (isNamespaceTerminating(error)) return [obstacle(object, "terminating", "")];
  if (isRefusal(error)) return [obstacle(object, "rejected", error.message)];
  throw error;
}

async function removeChild(child: Child, { client, caches }: ExecuteOptions): Promise<void> {
  try {
    await remove(client, typeOf(child.kind), child);
  } catch (error) {
    // Gone already, or another object of that name by now.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
  caches.deleted(child);
}

/** What an object is that does nothing more. */
const retired: Record<string, (object: KubeObject) => KubeObject> = {
  HTTPRoute: idle,
  StatefulSet: (object) => ({ ...object, spec: { ...(object.spec as object), replicas: 0 } }),
};

/** Writes the object as it is, but that it does nothing more. */
async function retire(child: Child, options: ExecuteOptions): Promise<void> {
  const { apiVersion, kind, metadata, ...rest } = (await read(options.client, typeOf(child.kind), child)) as ApiObject &
    KubeObject;
  const { name, namespace, labels, annotations, ownerReferences = [] } = metadata;
  const kept = {
    name,
    namespace,
    labels,
    annotations: { ...annotations, [desiredHashAnnotation]: "" },
    ownerReferences,
  };
  const object = retired[kind]?.({ apiVersion, kind, metadata: kept, spec: rest.spec });
  if (object) await write(guarded(object, child), options);
}

/** What came of a plan. */
export interface Outcome {
  /** What could not be written. */
  obstacles: Obstacle[];
  /** Errors that another try may help. */
  failures: unknown[];
  /** How many writes the API server took. */
  written: number;
}

/** Writes that wait for those they can't do without, and are left out when one of those has failed. */
type Stage = "needed by pods" | "pods" | "needed by routes" | "routes of pools" | "routes" | "other";

/**
 * Pods start at the first try when what they need is there; a route that refers to what isn't there yet would turn calls
 * away. The server's own route may leave calls to those of its pools, so it comes after them.
 */
const stages: Record<string, Stage> = {
  ServiceAccount: "needed by pods",
  Secret: "needed by pods",
  ConfigMap: "needed by pods",
  NetworkPolicy: "needed by pods",
  StatefulSet: "pods",
  Deployment: "pods",
  Service: "needed by routes",
  BackendTrafficPolicy: "needed by routes",
  Middleware: "needed by routes",
  ServersTransport: "needed by routes",
  KongPlugin: "needed by routes",
  HTTPRoute: "routes",
  IngressRoute: "routes",
  HTTPProxy: "routes",
  Ingress: "routes",
};
const stageOf = ({ kind, metadata }: KubeObject): Stage =>
  kind === "HTTPRoute" && metadata.labels[poolLabel] !== undefined ? "routes of pools" : (stages[kind] ?? "other");

/** Writes the plan; waits for every write, so that none of them meets those of the next try. */
export async function execute(plan: Plan, options: ExecuteOptions): Promise<Outcome> {
  const outcome: Outcome = { obstacles: [...plan.obstacles], failures: [], written: 0 };
  const take = async (object: { kind: string }, work: Promise<Obstacle[]>): Promise<boolean> => {
    try {
      const found = await work.catch((error) => refusal(object as KubeObject, error));
      outcome.obstacles.push(...found);
      if (found.length === 0) outcome.written += 1;
      return found.length === 0;
    } catch (error) {
      outcome.failures.push(error);
      return false;
    }
  };
  const nothing = () => [];
  /** Whether all of the stage is as it should be. */
  const play = async (stage: Stage): Promise<boolean> => {
    const isMeant = (object: KubeObject) => stageOf(object) === stage;
    const done = await Promise.all([
      ...plan.create.filter(isMeant).map((object) => take(object, create(object, options))),
      ...plan.update
        .filter(({ object }) => isMeant(object))
        .map(({ object, child }) => take(object, write(guarded(object, child), options).then(nothing))),
    ]);
    return !done.includes(false) && !plan.obstacles.some(({ kind }) => stages[kind] === stage);
  };
  const pods = async () => {
    if (await play("needed by pods")) await play("pods");
  };
  const routes = async () => {
    if (!(await play("needed by routes"))) return;
    await play("routes of pools");
    await play("routes");
  };
  await Promise.all([pods(), routes(), play("other")]);
  await Promise.all(plan.retire.map((child) => take(child, retire(child, options).then(nothing))));
  // What routes referred to goes when they don't any more.
  if (outcome.failures.length === 0)
    await Promise.all(plan.remove.map((child) => take(child, removeChild(child, options).then(nothing))));
  return outcome;
}
