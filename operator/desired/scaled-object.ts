// ScaledObject of KEDA: one a pool that counts calls, in a cluster with KEDA, which makes the pool's HorizontalPodAutoscaler from
// it and brings it the numbers from Prometheus.
import type { McpServer } from "../api/mcpserver.ts";
import type { Autoscaling } from "../api/scaling.ts";
import { type CallTarget, callQuery, callTargets, countsCalls } from "./calls.ts";
import { behaviorOf } from "./hpa.ts";
import { child, type KubeObject } from "./object.ts";
import type { EffectivePool } from "./pool.ts";

/** KEDA, as far as it is anypod's business. */
export interface Keda {
  /** Where it finds Prometheus. */
  prometheusUrl: string;
}

/** KEDA, if the cluster has it and it can be told where Prometheus is. */
export const kedaOf = (isInstalled: (kind: string) => boolean, prometheusUrl: string | undefined): Keda | undefined =>
  prometheusUrl !== undefined && isInstalled("ScaledObject") ? { prometheusUrl } : undefined;

/** KEDA takes the pool's HorizontalPodAutoscaler over as it is, so that there is one at any time, and never two. */
const takesOver = { "scaledobject.keda.sh/transfer-hpa-ownership": "true" };

/**
 * What is missing must not be taken for no calls: without a number the autoscaler leaves the pods as they are, or adds some for
 * another target's sake.
 */
const unlessMissing = { ignoreNullValues: "false" };

type Metric = NonNullable<Autoscaling["metrics"]>[number];
type Target = NonNullable<Metric["resource"]>["target"];

function byCalls(server: McpServer, pool: EffectivePool, target: CallTarget, { prometheusUrl }: Keda): object {
  const query = callQuery(server, pool, target);
  return {
    type: "prometheus",
    metricType: "AverageValue",
    metadata: { serverAddress: prometheusUrl, query, threshold: String(target.perPod), ...unlessMissing },
  };
}

const byShare = (type: string, percent: number) => ({
  type,
  metricType: "Utilization",
  metadata: { value: String(percent) },
});

/** The trigger that says the same as a metric of autoscaling/v2; undefined when KEDA has none. */
function byMetric({ resource, containerResource }: Metric): object | undefined {
  const { name, target } = resource ?? containerResource ?? {};
  if (name === undefined || !["cpu", "memory"].includes(name)) return;
  const value = target && amountOf(target);
  if (value === undefined) return;
  const container = containerResource && { containerName: containerResource.container };
  return { type: name, metricType: target?.type, metadata: { value, ...container } };
}

function amountOf({ type, averageUtilization, averageValue }: Target): string | undefined {
  const amount = { Utilization: averageUtilization, AverageValue: averageValue, Value: undefined }[type];
  return amount === undefined ? undefined : String(amount);
}

/** Metrics of the user's that KEDA can't take, by their place in `metrics`. */
export const kedaCannotTake = ({ metrics = [] }: Autoscaling): number[] =>
  metrics.flatMap((metric, index) => (byMetric(metric) ? [] : [index]));

function triggers(server: McpServer, pool: EffectivePool, autoscaling: Autoscaling, keda: Keda): object[] {
  const { cpu, memory, metrics = [] } = autoscaling;
  return [
    ...callTargets(autoscaling).map((target) => byCalls(server, pool, target, keda)),
    ...(cpu === undefined ? [] : [byShare("cpu", cpu)]),
    ...(memory === undefined ? [] : [byShare("memory", memory)]),
    ...metrics.flatMap((metric) => byMetric(metric) ?? []),
  ];
}

/** Whether KEDA counts the pods of the pool. */
export const isScaledByKeda = (pool: EffectivePool, keda: Keda | undefined): keda is Keda =>
  keda !== undefined && countsCalls(pool);

export function scaledObject(server: McpServer, pool: EffectivePool, keda: Keda): KubeObject | undefined {
  if (pool.scaling.by !== "autoscaler") return;
  const { autoscaling } = pool.scaling;
  const { metadata, ...type } = child(
    server,
    { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject" },
    pool.objectName,
    pool.name,
  );
  return {
    ...type,
    metadata: { ...metadata, annotations: takesOver },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: pool.objectName },
      minReplicaCount: autoscaling.minReplicas,
      maxReplicaCount: autoscaling.maxReplicas,
      advanced: { horizontalPodAutoscalerConfig: { name: pool.objectName, behavior: behaviorOf(autoscaling) } },
      triggers: triggers(server, pool, autoscaling, keda),
    },
  };
}
