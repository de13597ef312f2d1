// HorizontalPodAutoscaler: one a pool whose pods the autoscaler counts.
import type { McpServer } from "../api/mcpserver.ts";
import type { Autoscaling } from "../api/scaling.ts";
import { child, type KubeObject } from "./object.ts";
import type { EffectivePool } from "./pool.ts";

const utilization = (name: string, averageUtilization: number) => ({
  type: "Resource",
  resource: { name, target: { type: "Utilization", averageUtilization } },
});

function metrics({ cpu, memory, metrics: others = [] }: Autoscaling): object[] {
  const cpuTarget = cpu ?? (memory === undefined && others.length === 0 ? 70 : undefined);
  return [
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

export function hpa(server: McpServer, pool: EffectivePool): KubeObject | undefined {
  if (pool.scaling.by !== "autoscaler") return;
  const { autoscaling } = pool.scaling;
  return {
    ...child(server, { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" }, pool.objectName, pool.name),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: pool.objectName },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: metrics(autoscaling),
      behavior: autoscaling.behavior ?? defaultBehavior,
    },
  };
}
