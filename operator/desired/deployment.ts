// Deployment: the pods of one pool. It never goes below the pods it has in a rollout, and it never sets `spec.replicas`
// where somebody else scales.
import type { McpServer } from "../api/mcpserver.ts";
import { poolSelector } from "./labels.ts";
import { child, type KubeObject } from "./object.ts";
import { podTemplate } from "./pod-template.ts";
import { type EffectivePool, initialReplicas } from "./pool.ts";

/** Annotation of pods: a hash of the Secrets and ConfigMaps that they read at start, so that a change rolls them once. */
export const configHashAnnotation = "anypod.dev/config-hash";

export interface DeploymentWorld {
  configHash: string;
  /** Whether the Deployment is there already. */
  exists: boolean;
}

function replicas({ scaling }: EffectivePool, exists: boolean): { replicas?: number } {
  if (scaling.by === "spec") return { replicas: scaling.replicas };
  return scaling.by === "others" && !exists ? { replicas: initialReplicas } : {};
}

export function deployment(
  server: McpServer,
  pool: EffectivePool,
  { configHash, exists }: DeploymentWorld,
): KubeObject {
  const template = podTemplate(server, pool);
  return {
    ...child(server, { apiVersion: "apps/v1", kind: "Deployment" }, pool.objectName, pool.name),
    spec: {
      ...replicas(pool, exists),
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
