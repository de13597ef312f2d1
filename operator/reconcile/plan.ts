// Desired and observed → what to write. Pure: decides from metadata alone, so that what is already so costs nothing.
import type { KubeObject } from "../desired/object.ts";
import { desiredHashAnnotation } from "../desired/object.ts";
import { ownsAll } from "../kube/ownership.ts";
import type { Obstacle } from "../status/observed.ts";
import type { Child } from "./observed.ts";

export interface Plan {
  /** Objects that aren't there. */
  create: KubeObject[];
  /** Objects that are there and differ, with the child that each one changes. */
  update: { object: KubeObject; child: Child }[];
  /** Children that the spec no longer asks for. */
  remove: Child[];
  /** Objects whose name isn't free. */
  obstacles: Obstacle[];
}

const keyOf = ({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`;

/** Whether the child is as the object says, as far as its metadata tells. */
function isCurrent(child: Child, object: KubeObject): boolean {
  return (
    child.desiredHash === object.metadata.annotations?.[desiredHashAnnotation] &&
    child.fields !== undefined &&
    ownsAll(child.fields, object)
  );
}

function obstacle(object: KubeObject, why: "foreign" | "leaving"): Obstacle {
  const { kind, metadata } = object;
  return { kind, name: metadata.name, why, message: "" };
}

/** What to write for the server with this uid. */
export function plan(objects: KubeObject[], children: Child[], serverUid: string): Plan {
  const observed = new Map(children.map((child) => [keyOf(child), child]));
  const result: Plan = { create: [], update: [], remove: [], obstacles: [] };
  for (const object of objects) {
    const child = observed.get(keyOf({ kind: object.kind, name: object.metadata.name }));
    if (!child) result.create.push(object);
    // Of an earlier server of this name, on its way out; or its owner was taken away by somebody.
    else if (child.deleting || (child.owner !== serverUid && child.owner !== undefined))
      result.obstacles.push(obstacle(object, "leaving"));
    else if (child.owner !== serverUid) result.obstacles.push(obstacle(object, "foreign"));
    else if (!isCurrent(child, object)) result.update.push({ object, child });
  }
  const desired = new Set(objects.map(({ kind, metadata }) => keyOf({ kind, name: metadata.name })));
  result.remove = children.filter(
    (child) => child.owner === serverUid && !child.deleting && !desired.has(keyOf(child)),
  );
  return result;
}

/** Whether the plan leaves everything as it is. */
export const isEmpty = ({ create, update, remove }: Plan) => create.length + update.length + remove.length === 0;
