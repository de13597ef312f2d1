// The pools of a server: the main one, which every server has, and the user's, completed from the server.
import { type Autoscaling, type McpServer, mainPool, type Spec, type Template } from "../api/mcpserver.ts";
import { ownName, poolName } from "./names.ts";

/** Who counts the pods: the autoscaler, the spec, or somebody else after creation. */
export type Scaling =
  | { by: "autoscaler"; autoscaling: Autoscaling }
  | { by: "spec"; replicas: number }
  | { by: "others" };

export interface EffectivePool {
  name: string;
  /** Name of the pool's Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget. */
  objectName: string;
  image: string;
  resources: Spec["resources"];
  scaling: Scaling;
  /** Partial pod templates, merged in this order. */
  templates: Template[];
}

const defaultAutoscaling: Autoscaling = { enabled: true, minReplicas: 2, maxReplicas: 10 };
/** How many pods a pool begins with when nothing counts them. */
export const initialReplicas = 2;

function scalingOf(scaled: Pick<Spec, "replicas" | "autoscaling">): Scaling {
  if (scaled.replicas !== undefined) return { by: "spec", replicas: scaled.replicas };
  const autoscaling = scaled.autoscaling ?? defaultAutoscaling;
  return autoscaling.enabled ? { by: "autoscaler", autoscaling } : { by: "others" };
}

const defined = <T>(...values: (T | undefined)[]) => values.filter((value) => value !== undefined);

/** The pools of a server, the main one first. */
export function poolsOf({ metadata, spec }: McpServer): EffectivePool[] {
  const main: EffectivePool = {
    name: mainPool,
    objectName: ownName(metadata.name),
    image: spec.image,
    resources: spec.resources,
    scaling: scalingOf(spec),
    templates: defined(spec.template),
  };
  const others = (spec.pools ?? []).map((pool): EffectivePool => {
    const scaled = pool.replicas !== undefined || pool.autoscaling !== undefined ? pool : spec;
    return {
      name: pool.name,
      objectName: poolName(metadata.name, pool.name),
      image: pool.image ?? spec.image,
      resources: pool.resources ?? spec.resources,
      scaling: scalingOf(scaled),
      templates: defined(spec.template, pool.template),
    };
  });
  return [main, ...others];
}

/** The most pods that a pool may have, as far as the spec tells. */
export function mostReplicas({ scaling }: EffectivePool): number {
  if (scaling.by === "autoscaler") return scaling.autoscaling.maxReplicas;
  return scaling.by === "spec" ? scaling.replicas : initialReplicas;
}
