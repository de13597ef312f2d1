// HorizontalPodAutoscaler: one a pool whose pods the autoscaler counts, unless KEDA makes it.
import type { McpServer } from "../api/mcpserver.ts";
import type { Autoscaling } from "../api/scaling.ts";
import { type CallTarget, callLabels, callTargets } from "./calls.ts";
import { child, type KubeObject } from "./object.ts";
import type { EffectivePool } from "./pool.ts";

const utilization = (name: string, averageUtilization: number) => ({
  type: "Resource",
  resource: { name, target: { type: "Utilization", averageUtilization } },
});

/** As a quantity. */
const quantity = (value: number) => (Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`);

/** Served by an adapter of the user's: see docs/scale.md. */
const byCalls = ({ metric, perPod }: CallTarget, matchLabels: object) => ({
  type: "External",
  external: {
    metric: { name: metric, selector: { matchLabels } },
    target: { type: "AverageValue", averageValue: quantity(perPod) },
  },
});

function metrics(autoscaling: Autoscaling, labels: object): object[] {
  const { cpu, memory, metrics: others = [] } = autoscaling;
  const calls = callTargets(autoscaling);
  const isDefault = memory === undefined && others.length === 0 && calls.length === 0;
  const cpuTarget = cpu ?? (isDefault ? 70 : undefined);
  return [
    ...calls.map((target) => byCalls(target, labels)),
    ...(cpuTarget === undefined ? [] : [utilization("cpu", cpuTarget)]),
    ...(memory === undefined ? [] : [utilization("memory", memory)]),
    ...others,
  ];
}

/** Up at once, down slowly: five quiet minutes first, then at most half of the pods a minute. */
const defaultBehavior = {
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 50, periodSeconds: 60 }],
  },
};

export const behaviorOf = ({ behavior }: Autoscaling) => behavior ?? defaultBehavior;

export function hpa(server: McpServer, pool: EffectivePool): KubeObject | undefined {
  if (pool.scaling.by !== "autoscaler") return;
  const { autoscaling } = pool.scaling;
  return {
    ...child(server, { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" }, pool.objectName, pool.name),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: pool.objectName },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: metrics(autoscaling, callLabels(server, pool)),
      behavior: behaviorOf(autoscaling),
    },
  };
}
