// Pods of their own for a part of a server's calls: pools, the canary, and a server for clients of an older protocol.
import * as z from "zod";
import * as core from "./core.ts";
import { canaryShare, takes, takingRules } from "./routing.ts";
import { withRules } from "./rule.ts";
import { autoscaling, oneScaler, replicas } from "./scaling.ts";
import { image, template } from "./template.ts";

/** The names that anypod's own pools have in labels and in status; no pool of the user's may take them. */
export const mainPool = "main";
export const legacyPool = "legacy";
export const canaryPool = "canary";
const reserved = [mainPool, legacyPool, canaryPool];

const ownPods = {
  resources: core.resources.optional().describe("Instead of the server's."),
  replicas: replicas.optional(),
  autoscaling: autoscaling.optional().describe("Instead of the server's."),
  template: template.optional(),
};

const pool = withRules(
  z.strictObject({
    name: withRules(core.dnsLabel("a pool's name"), {
      cel: `!(self in ['${reserved.join("', '")}'])`,
      message: `${reserved.join(", ")} are pools of anypod's own: name this one otherwise`,
      holds: (name) => !reserved.includes(name),
    }).describe("Told apart by this; part of the names of its objects."),
    ...takes,
    image: image.optional().describe("Another image than the server's."),
    ...ownPods,
  }),
  oneScaler,
);

export const pools = withRules(core.listByKey(pool, "name", 24), ...takingRules);

export const canary = withRules(
  z.strictObject({ image: image.describe("The image to try."), ...canaryShare, ...ownPods }),
  oneScaler,
);

export const legacy = withRules(
  z.strictObject({
    image: image.optional().describe("Another image than the server's."),
    command: z.array(z.string()).max(100).optional().describe("Instead of the image's entry point."),
    args: z.array(z.string()).max(100).optional().describe("Instead of the image's arguments."),
    sessionful: z
      .boolean()
      .default(true)
      .describe("Whether it keeps sessions in memory; then it has one pod, so that no affinity is needed."),
    ...ownPods,
  }),
  oneScaler,
  {
    cel: "(has(self.sessionful) && !self.sessionful) || (!has(self.autoscaling) && (!has(self.replicas) || self.replicas <= 1))",
    message:
      "a sessionful server has one pod, as its sessions are in memory: drop replicas and autoscaling, or set sessionful to false",
    holds: ({ sessionful, autoscaling: scaler, replicas: count }) =>
      !sessionful || (scaler === undefined && (count ?? 1) <= 1),
    fieldPath: ".sessionful",
  },
);

export type Legacy = z.output<typeof legacy>;
