// How far a Deployment has come.
import type { EffectivePool } from "../desired/pool.ts";
import type { DeploymentState } from "./observed.ts";

/** Whether all pods that there are run the Deployment's latest template, and all that it asks for answer. */
export function isRolledOut({ current, desired, replicas, updated, available }: DeploymentState): boolean {
  return current && replicas === desired && updated === desired && available === desired;
}

/**
 * Whether the pool does what its spec says: no pod of an older template, and enough that answer. Where others count the
 * pods, one that is on its way up or down says nothing about the spec.
 */
export function isSettled({ scaling }: EffectivePool, deployment: DeploymentState): boolean {
  const { current, desired, replicas, updated, available } = deployment;
  const enough = scaling.by === "spec" ? available >= scaling.replicas : available >= Math.min(1, desired);
  return current && updated >= replicas && enough;
}
