// Deployment: the pods of one pool. It never goes below the pods it has in a rollout, and it never sets `spec.replicas`
// where somebody else scales.
import type { McpServer } from "../api/mcpserver.ts";
import { poolSelector } from "./labels.ts";
import { child, type KubeObject } from "./object.ts";
import { podTemplate } from "./pod-template.ts";
import { type EffectivePool, initialReplicas } from "./pool.ts";
import type { StoreAccess } from "./task-store/access.ts";

/** Annotation of pods: a hash of the Secrets and ConfigMaps that they read at start, so that a change rolls them once. */
export const configHashAnnotation = "anypod.dev/config-hash";

/** What pods depend on beside the server. */
export interface PodWorld {
  configHash: string;
  /** Where tasks are kept. */
  access: StoreAccess | undefined;
}

export function deployment(server: McpServer, pool: EffectivePool, { configHash, access }: PodWorld): KubeObject {
  const template = podTemplate(server, pool, access);
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

/**
 * The Deployment as it is made where nothing counts its pods: with some to begin with. Not part of its hash: whoever scales
 * changes the number, and nobody has to write it again.
 */
export function withInitialReplicas(object: KubeObject, { scaling }: EffectivePool): KubeObject {
  if (scaling.by !== "others") return object;
  return { ...object, spec: { replicas: initialReplicas, ...(object.spec as object) } };
}
