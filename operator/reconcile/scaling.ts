// Who counts the pods of a server, gathered from the caches.
import type { McpServer } from "../api/mcpserver.ts";
import { countsCalls } from "../desired/calls.ts";
import type { EffectivePool } from "../desired/pool.ts";
import { isScaledByKeda, kedaCannotTake, kedaOf } from "../desired/scaled-object.ts";
import { keyOf } from "../kube/store.ts";
import type { Obstacle, PoolScaling } from "../status/observed.ts";
import { type ScalingVerdict, scalingVerdict } from "../status/scaling.ts";
import { toldOf } from "./ask.ts";
import type { Caches } from "./caches.ts";
import { scaledObjects } from "./kinds.ts";
import type { Child, ObservedServer } from "./observed.ts";
import type { Plan } from "./plan.ts";

const deploymentIn = (children: Child[], name: string) =>
  children.find((each) => each.kind === "Deployment" && each.name === name)?.deployment;

/** The plan without ScaledObjects of Deployments that aren't at work yet: KEDA refuses one that it doesn't find the pods of. */
export function withoutEarlyScaledObjects(whole: Plan, own: Child[]): Plan {
  const isEarly = (name: string) => !deploymentIn(own, name)?.current;
  return {
    ...whole,
    create: whole.create.filter(({ kind, metadata }) => kind !== scaledObjects.kind || !isEarly(metadata.name)),
  };
}

interface Seen {
  observed: ObservedServer;
  server: McpServer;
  pools: EffectivePool[];
  /** What could not be written. */
  obstacles: Obstacle[];
}

interface Context {
  caches: Pick<Caches, "children" | "sees">;
  prometheusUrl: string | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Whether the autoscalers that the spec asks for do their work, and when to judge again, in milliseconds. */
export function judgeScaling(
  seen: Seen,
  context: Context,
): { verdict: ScalingVerdict | undefined; after?: number | undefined } {
  const children = context.caches.children(keyOf(seen.server.metadata));
  const states = seen.pools.flatMap((pool) => stateOf(pool, children, seen, context) ?? []);
  return scalingVerdict(states, toldOf(seen.observed, "AutoscalingReady"), context.now());
}

function stateOf(
  pool: EffectivePool,
  children: Child[],
  { server, obstacles }: Seen,
  { caches, prometheusUrl }: Context,
): PoolScaling | undefined {
  const { scaling, objectName: name } = pool;
  if (scaling.by !== "autoscaler" || !scaling.asked) return;
  const autoscalerOf = (kind: string) => children.find((each) => each.kind === kind && each.name === name)?.autoscaler;
  const keda = kedaOf(caches.sees, prometheusUrl);
  const refusal = obstacles.find(
    ({ kind, name: refused, why }) => kind === scaledObjects.kind && refused === name && why === "rejected",
  );
  return {
    namespace: server.metadata.namespace,
    pool: pool.name,
    name,
    countsCalls: countsCalls(pool),
    isOff: deploymentIn(children, name)?.desired === 0,
    hpa: autoscalerOf("HorizontalPodAutoscaler"),
    lacksPrometheus: countsCalls(pool) && prometheusUrl === undefined && caches.sees(scaledObjects.kind),
    keda: isScaledByKeda(pool, keda)
      ? {
          prometheusUrl: keda.prometheusUrl,
          scaledObject: autoscalerOf(scaledObjects.kind),
          refused: refusal?.message,
          cannotTake: kedaCannotTake(scaling.autoscaling),
        }
      : undefined,
  };
}
