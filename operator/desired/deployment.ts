// Deployment: the pods of one pool. It never goes below the pods it has in a rollout, and it never sets `spec.replicas`
// where somebody else scales.
import type { McpServer } from "../api/mcpserver.ts";
import { poolSelector } from "./labels.ts";
import { child, configHashAnnotation, type KubeObject } from "./object.ts";
import { type PodUses, podTemplate } from "./pod-template.ts";
import { type EffectivePool, initialReplicas } from "./pool.ts";
import { isScaledByKeda, type Keda } from "./scaled-object.ts";

/** What pods depend on beside the server. */
export interface PodWorld {
  configHash: string;
  uses: PodUses;
}

export function deployment(server: McpServer, pool: EffectivePool, { configHash, uses }: PodWorld): KubeObject {
  const template = podTemplate(server, pool, uses);
  const { scaling } = pool;
  return {
    ...child(server, { apiVersion: "apps/v1", kind: "Deployment" }, pool.objectName, pool.name),
    spec: {
      ...(scaling.by === "spec" && { replicas: scaling.replicas }),
      revisionHistoryLimit: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
      selector: { matchLabels: poolSelector(server.metadata.name, pool.name) },
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          annotations: { ...template.metadata.annotations, [configHashAnnotation]: configHash },
        },
      },
    },
  };
}

function firstReplicas(pool: EffectivePool, keda: Keda | undefined): number | undefined {
  if (pool.scaling.by === "others") return initialReplicas;
  // KEDA may be away.
  if (pool.scaling.by === "autoscaler" && isScaledByKeda(pool, keda)) return pool.scaling.autoscaling.minReplicas;
  return;
}

/**
 * The Deployment as it is made where nothing of Kubernetes' own counts its pods: with some to begin with. Not part of its hash:
 * whoever scales changes the number, and nobody has to write it again.
 */
export function withInitialReplicas(object: KubeObject, pool: EffectivePool, keda: Keda | undefined): KubeObject {
  const replicas = firstReplicas(pool, keda);
  if (replicas === undefined) return object;
  return { ...object, spec: { replicas, ...(object.spec as object) } };
}
