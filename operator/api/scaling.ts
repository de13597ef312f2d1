// How many pods there are: by a number, by the autoscaler, or by others.
import * as z from "zod";
import * as core from "./core.ts";
import { withRules } from "./rule.ts";

/** As fine as a Kubernetes quantity gets. */
const callTarget = z.number().min(0.001).max(1_000_000).optional();

export const autoscaling = withRules(
  z.strictObject({
    enabled: z.boolean().default(true).describe("`false` turns autoscaling off."),
    minReplicas: z.int32().min(1).default(2).describe("Never fewer pods than this."),
    maxReplicas: z.int32().min(1).default(10).describe("Never more pods than this."),
    cpu: z
      .int32()
      .min(1)
      .optional()
      .describe("Target for CPU, in percent of the request. 70 when no other target is given."),
    memory: z.int32().min(1).optional().describe("Target for memory, in percent of the request."),
    callsPerSecond: callTarget.describe(
      "Target for MCP calls a second, of each pod. Streams of subscriptions/listen don't count.",
    ),
    callsInFlight: callTarget.describe(
      "Target for MCP calls under way at once, on average, of each pod. Streams of subscriptions/listen don't count.",
    ),
    metrics: z.array(core.metric).max(20).optional().describe("More metrics, as in autoscaling/v2."),
    behavior: core.scalingBehavior.optional().describe("How fast to scale, as in autoscaling/v2."),
  }),
  {
    cel: "(has(self.minReplicas) ? self.minReplicas : 2) <= (has(self.maxReplicas) ? self.maxReplicas : 10)",
    message:
      "minReplicas (2 when not given) is more than maxReplicas (10 when not given): raise maxReplicas or lower minReplicas",
    holds: ({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas,
    fieldPath: ".maxReplicas",
  },
);

export const replicas = z
  .int32()
  .min(0)
  .describe(
    "A fixed number of pods; turns autoscaling off. Without it and without autoscaling: 2 at creation, then left to whoever scales.",
  );

/** A slice of the spec that has both fields; either the user counts pods or the autoscaler does. */
interface Scaled {
  replicas?: number | undefined;
  autoscaling?: { enabled: boolean } | undefined;
}
export const oneScaler = {
  cel: "!(has(self.replicas) && has(self.autoscaling) && (!has(self.autoscaling.enabled) || self.autoscaling.enabled))",
  message: "replicas and autoscaling exclude each other: drop replicas, or set autoscaling.enabled to false",
  holds: ({ replicas, autoscaling }: Scaled) => replicas === undefined || !(autoscaling?.enabled ?? false),
  fieldPath: ".replicas",
};

export type Autoscaling = z.output<typeof autoscaling>;
