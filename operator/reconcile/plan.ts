// Desired and observed → what to write. Pure: decides from metadata alone, so that what is already so costs nothing.
import type { KubeObject } from "../desired/object.ts";
import { desiredHashAnnotation } from "../desired/object.ts";
import { redisReplication } from "../desired/task-store/redis-replication.ts";
import { ownsAll } from "../kube/ownership.ts";
import type { Obstacle } from "../status/observed.ts";
import { holdsTasks } from "./kinds.ts";
import type { Child } from "./observed.ts";

export interface Update {
  object: KubeObject;
  /** The object as it is. */
  child: Child;
  /** The spec asks for the same as before: somebody else changed the object. */
  drifted: boolean;
}

export interface Plan {
  /** Objects that aren't there. */
  create: KubeObject[];
  /** Objects that are there and differ. */
  update: Update[];
  /** Children that the spec no longer asks for. */
  remove: Child[];
  /** What shall do nothing more: HTTPRoutes, before they are removed; StatefulSets, whose volume stays as long as they do. */
  retire: Child[];
  /** Objects whose name isn't free. */
  obstacles: Obstacle[];
}

const keyOf = ({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`;

/** Whether the child was applied as the object says now. */
const isAsApplied = (child: Child, object: KubeObject) =>
  child.desiredHash === object.metadata.annotations?.[desiredHashAnnotation];

/** Whether nobody has changed since what anypod applied, as far as the child's metadata tells. */
const isUntouched = (child: Child, object: KubeObject) => child.fields !== undefined && ownsAll(child.fields, object);

function obstacle(object: KubeObject, why: "foreign" | "leaving"): Obstacle {
  const { kind, metadata } = object;
  return { kind, name: metadata.name, why, message: "" };
}

/** KEDA makes the autoscaler that there is into its own, so that there is always one: nobody deletes it before. */
const takenOverBy = ({ kind, name }: Child) =>
  kind === "HorizontalPodAutoscaler" ? keyOf({ kind: "ScaledObject", name }) : "";

/** What one object needs. */
function planObject(object: KubeObject, child: Child | undefined, serverUid: string): Partial<Plan> {
  if (!child) return { create: [object] };
  // Its ScaledObject is no longer asked for: Kubernetes takes it away with that, and the number of pods stays meanwhile.
  if (child.autoscaler?.byKeda) return {};
  // Of an earlier server of this name, on its way out.
  if (child.deleting || (child.owner !== undefined && child.owner !== serverUid))
    return { obstacles: [obstacle(object, "leaving")] };
  // Its owner was taken away by somebody.
  if (child.owner === undefined && !child.kept) return { obstacles: [obstacle(object, "foreign")] };
  const asApplied = isAsApplied(child, object);
  if (asApplied && isUntouched(child, object)) return {};
  return { update: [{ object, child, drifted: asApplied }] };
}

/** Children with tasks in them, and what those can't do without. */
function staying(children: Child[]): Set<string> {
  const stores = children.filter(({ kind }) => holdsTasks(kind));
  const needed = stores.flatMap(({ kind, server }) =>
    kind === "RedisReplication" ? redisReplication.needs(server) : [],
  );
  return new Set([...stores, ...needed].map(keyOf));
}

/** What to write for the server with this uid. */
export function plan(objects: KubeObject[], children: Child[], serverUid: string): Plan {
  const observed = new Map(children.map((child) => [keyOf(child), child]));
  const keys = objects.map(({ kind, metadata }) => keyOf({ kind, name: metadata.name }));
  const parts = objects.map((object, index) => planObject(object, observed.get(keys[index] ?? ""), serverUid));
  const desired = new Set(keys);
  const left = children.filter(
    (child) =>
      child.owner === serverUid && !child.deleting && !desired.has(keyOf(child)) && !desired.has(takenOverBy(child)),
  );
  const stays = staying(children);
  return {
    create: parts.flatMap(({ create = [] }) => create),
    update: parts.flatMap(({ update = [] }) => update),
    remove: left.filter((child) => !stays.has(keyOf(child))),
    retire: left.filter(({ kind, idle }) => kind === "StatefulSet" && !idle),
    obstacles: parts.flatMap(({ obstacles = [] }) => obstacles),
  };
}
