// PodDisruptionBudget: one a pool that may have more than one pod.
import type { McpServer } from "../api/mcpserver.ts";
import { poolSelector } from "./labels.ts";
import { child, type KubeObject } from "./object.ts";
import { type EffectivePool, mostReplicas } from "./pool.ts";

export function pdb(server: McpServer, pool: EffectivePool): KubeObject | undefined {
  if (mostReplicas(pool) < 2) return;
  const { maxUnavailable, minAvailable } = server.spec.disruption;
  return {
    ...child(server, { apiVersion: "policy/v1", kind: "PodDisruptionBudget" }, pool.objectName, pool.name),
    spec: {
      ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
      // A pod that never became ready must not keep a node from being drained.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: poolSelector(server.metadata.name, pool.name) },
    },
  };
}
