// The pools of a server: the main one, which every server has, and the others, completed from the server.
import type { McpServer, Spec } from "../api/mcpserver.ts";
import { canaryPool, type Legacy, legacyPool, mainPool } from "../api/pool.ts";
import type { Autoscaling } from "../api/scaling.ts";
import type { Template } from "../api/template.ts";
import { ownName, poolName } from "./names.ts";

/** Who counts the pods: the autoscaler, as the spec asks or by default, the spec, or somebody else after creation. */
export type Scaling =
  | { by: "autoscaler"; autoscaling: Autoscaling; asked: boolean }
  | { by: "spec"; replicas: number }
  | { by: "others" };

export interface EffectivePool {
  name: string;
  /** Name of the pool's Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget. */
  objectName: string;
  image: string;
  command: string[] | undefined;
  args: string[] | undefined;
  resources: Spec["resources"];
  scaling: Scaling;
  /** Partial pod templates, merged in this order. */
  templates: Template[];
}

const defaultAutoscaling: Autoscaling = { enabled: true, minReplicas: 2, maxReplicas: 10 };
/** How many pods a pool begins with when nothing counts them. */
export const initialReplicas = 2;

type Scaled = Pick<Spec, "replicas" | "autoscaling">;

function scalingOf(scaled: Scaled): Scaling {
  if (scaled.replicas !== undefined) return { by: "spec", replicas: scaled.replicas };
  const autoscaling = scaled.autoscaling ?? defaultAutoscaling;
  const asked = scaled.autoscaling !== undefined;
  return autoscaling.enabled ? { by: "autoscaler", autoscaling, asked } : { by: "others" };
}

const defined = <T>(...values: (T | undefined)[]) => values.filter((value) => value !== undefined);

/** The fields of a pool that come from the server unless the pool has its own. */
function complete(
  { metadata, spec }: McpServer,
  own: {
    name: string;
    image?: string | undefined;
    resources?: Spec["resources"] | undefined;
    template?: Template | undefined;
  } & Scaled,
): EffectivePool {
  const isScaled = own.replicas !== undefined || own.autoscaling !== undefined;
  return {
    name: own.name,
    objectName: poolName(metadata.name, own.name),
    image: own.image ?? spec.image,
    command: spec.command,
    args: spec.args,
    resources: own.resources ?? spec.resources,
    scaling: scalingOf(isScaled ? own : spec),
    templates: defined(spec.template, own.template),
  };
}

/** A sessionful server has one pod: with two, a session would be known to one of them only. */
function legacyOf(server: McpServer, legacy: Legacy): EffectivePool {
  const scaled = legacy.sessionful ? { replicas: 1 } : {};
  const pool = complete(server, { ...legacy, ...scaled, name: legacyPool });
  // The server's command is for the server's image.
  const { command, args } = legacy.image === undefined ? { ...server.spec, ...given(legacy) } : legacy;
  return { ...pool, command, args };
}

const given = ({ command, args }: Legacy) => ({ ...(command && { command }), ...(args && { args }) });

/** The pools of a server, the main one first. */
export function poolsOf(server: McpServer): EffectivePool[] {
  const { metadata, spec } = server;
  const main = { ...complete(server, { name: mainPool }), objectName: ownName(metadata.name) };
  return [
    main,
    ...(spec.pools ?? []).map((pool) => complete(server, pool)),
    ...(spec.canary ? [complete(server, { ...spec.canary, name: canaryPool })] : []),
    ...(spec.legacy ? [legacyOf(server, spec.legacy)] : []),
  ];
}

/** The most pods that a pool may have, as far as the spec tells. */
export function mostReplicas({ scaling }: EffectivePool): number {
  if (scaling.by === "autoscaler") return scaling.autoscaling.maxReplicas;
  return scaling.by === "spec" ? scaling.replicas : initialReplicas;
}
