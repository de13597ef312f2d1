// THE schema of McpServer. The CRD, the TypeScript types, the defaults and docs/reference.md all come from this file;
// `npm run generate` writes them. Defaults are filled in by the operator and not by the API server, so that what Git
// holds and what the cluster holds never differ.
import * as z from "zod";
import * as core from "./core.ts";
import { text, withRules } from "./rule.ts";

export const group = "anypod.dev";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;
export const kind = "McpServer";
export const plural = "mcpservers";

/** The name that the main pool has in labels and in status; no pool of the user's may take it. */
export const mainPool = "main";
/** The name of the MCP server's container in every pod. */
export const serverContainer = "server";

const autoscaling = withRules(
  z.strictObject({
    enabled: z.boolean().default(true).describe("`false` turns autoscaling off."),
    minReplicas: z.int32().min(1).default(2).describe("Never fewer pods than this."),
    maxReplicas: z.int32().min(1).default(10).describe("Never more pods than this."),
    cpu: z
      .int32()
      .min(1)
      .optional()
      .describe("Target for CPU, in percent of the request. 70 when neither cpu, memory nor metrics is given."),
    memory: z.int32().min(1).optional().describe("Target for memory, in percent of the request."),
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

const replicas = z
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
const oneScaler = {
  cel: "!(has(self.replicas) && has(self.autoscaling) && (!has(self.autoscaling.enabled) || self.autoscaling.enabled))",
  message: "replicas and autoscaling exclude each other: drop replicas, or set autoscaling.enabled to false",
  holds: ({ replicas, autoscaling }: Scaled) => replicas === undefined || !(autoscaling?.enabled ?? false),
  fieldPath: ".replicas",
};

const image = text(
  "^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$",
  "image must be a container image reference, such as registry.example.com/basket-mcp:1.4.0",
  512,
);

const ownLabels = withRules(z.record(z.string(), z.string().max(63)).meta({ maxProperties: 32 }), {
  cel: "!self.exists(key, key.startsWith('anypod.dev/'))",
  message: "labels under anypod.dev/ are anypod's own: name yours otherwise",
  holds: (labels) => !Object.keys(labels).some((key) => key.startsWith("anypod.dev/")),
});

const templateContainer = z.looseObject({
  name: core.dnsLabel("a container's name"),
  image: image.optional(),
});
const templateContainers = withRules(core.listByKey(templateContainer, "name", 10), {
  cel: "self.size() > 0",
  message: `the server's container can't be removed: leave containers out to keep it as it is, or change it under the name '${serverContainer}'`,
  holds: (containers) => containers.length > 0,
});
const template = z
  .looseObject({
    metadata: z
      .looseObject({ labels: ownLabels.optional(), annotations: z.record(z.string(), z.string()).optional() })
      .optional(),
    spec: z.looseObject({ containers: templateContainers.optional() }).optional(),
  })
  .describe(
    `A partial PodTemplateSpec merged last, over all that anypod makes: objects merge, lists of named items merge by name, other lists are replaced, null deletes. The MCP server's container is named \`${serverContainer}\`; any other is added beside it.`,
  );

const pool = withRules(
  z.strictObject({
    name: withRules(core.dnsLabel("a pool's name"), {
      cel: `self != '${mainPool}'`,
      message: `'${mainPool}' is the pool that takes all that no other pool does: name this one otherwise`,
      holds: (name) => name !== mainPool,
    }).describe("Told apart by this; part of the names of its objects."),
    image: image.optional().describe("Another image than the server's."),
    resources: core.resources.optional().describe("Instead of the server's."),
    replicas: replicas.optional(),
    autoscaling: autoscaling.optional().describe("Instead of the server's."),
    template: template.optional(),
  }),
  oneScaler,
);

const durationPattern = /^([0-9]{1,6}(h|m|s))+$/;
const durationSeconds = (value: string) => {
  const parts = [...value.matchAll(/([0-9]+)(h|m|s)/g)];
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * { h: 3600, m: 60, s: 1 }[unit as "h" | "m" | "s"],
    0,
  );
};
/** Length of a Go duration such as `720h` or `1h30m`, in milliseconds. */
export const durationMs = (value: string) => durationSeconds(value) * 1000;

const rotateEvery = withRules(
  text(durationPattern.source, "rotateEvery is a duration in hours, minutes and seconds, such as 720h or 1h30m", 32),
  {
    cel: `!self.matches('${durationPattern.source}') || duration(self) >= duration('1m')`,
    message: "rotateEvery must be a minute or more: every rotation is two rollouts",
    holds: (value) => !durationPattern.test(value) || durationSeconds(value) >= 60,
  },
);

const requestState = withRules(
  z.strictObject({
    rotateEvery: rotateEvery
      .optional()
      .describe("How often a new key seals; the old one unseals until the next rotation. Never when not given."),
    secretRef: z
      .strictObject({ name: core.objectName("name") })
      .optional()
      .describe("A Secret of your own with `key` (the sealing key) and, for a ring, `keys` (all, comma-separated)."),
  }),
  {
    cel: "!(has(self.rotateEvery) && has(self.secretRef))",
    message: "rotateEvery is for generated keys: drop it, and rotate the Secret of secretRef yourself",
    holds: ({ rotateEvery, secretRef }) => rotateEvery === undefined || secretRef === undefined,
  },
);

const disruption = withRules(
  z.strictObject({
    maxUnavailable: core.intOrPercent
      .optional()
      .describe("How many pods an eviction may take at once. 1 when minAvailable isn't given either."),
    minAvailable: core.intOrPercent.optional().describe("How many pods evictions must leave."),
    drainSeconds: z
      .int32()
      .min(0)
      .max(600)
      .default(5)
      .describe("How long a pod goes on taking calls after it was told to stop, while gateways learn of it."),
    gracePeriodSeconds: z
      .int32()
      .min(1)
      .max(3600)
      .default(60)
      .describe("How long a stopping pod may live in all: drainSeconds plus your slowest call."),
  }),
  {
    cel: "!(has(self.maxUnavailable) && has(self.minAvailable))",
    message: "give maxUnavailable or minAvailable, not both",
    holds: ({ maxUnavailable, minAvailable }) => maxUnavailable === undefined || minAvailable === undefined,
  },
  {
    cel: "(has(self.gracePeriodSeconds) ? self.gracePeriodSeconds : 60) > (has(self.drainSeconds) ? self.drainSeconds : 5)",
    message:
      "gracePeriodSeconds (60 when not given) must be more than drainSeconds (5 when not given): calls in flight need the difference",
    holds: ({ gracePeriodSeconds, drainSeconds }) => gracePeriodSeconds > drainSeconds,
    fieldPath: ".gracePeriodSeconds",
  },
);

const network = z.strictObject({
  from: z
    .array(core.networkPolicyPeer)
    .max(50)
    .optional()
    .describe("Who may call the server. Pods of its own namespace when not given."),
  egress: z
    .array(core.networkPolicyEgressRule)
    .max(50)
    .optional()
    .describe("What the server may call, beside DNS. Nothing when not given."),
});

const serviceAccount = withRules(
  z.strictObject({
    name: core.objectName("name").optional().describe("An existing ServiceAccount; none is made then."),
    annotations: z
      .record(z.string(), z.string())
      .optional()
      .describe("For the one that anypod makes, such as a cloud's workload identity."),
    automountToken: z.boolean().default(false).describe("Whether pods get a token of the Kubernetes API."),
  }),
  {
    cel: "!(has(self.name) && has(self.annotations))",
    message: "annotations are for the ServiceAccount that anypod makes: drop them, or drop name",
    holds: ({ name, annotations }) => name === undefined || annotations === undefined,
  },
);

export const spec = withRules(
  z.strictObject({
    image: image.describe("The MCP server's image."),
    imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional().describe("When to pull the image."),
    imagePullSecrets: core
      .listByKey(z.strictObject({ name: core.objectName("name") }), "name", 20)
      .optional()
      .describe("Secrets for the image's registry."),
    command: z.array(z.string()).max(100).optional().describe("Instead of the image's entry point."),
    args: z.array(z.string()).max(100).optional().describe("Instead of the image's arguments."),
    env: core.env.optional().describe("Environment variables; they win over anypod's own."),
    envFrom: core.envFrom.optional().describe("Secrets and ConfigMaps whose keys become environment variables."),
    port: z.int32().min(1).max(65535).default(8080).describe("Where the server listens; in its environment as `PORT`."),
    path: text("^/[A-Za-z0-9/._~-]*$", "path begins with '/' and has letters, digits and /._~- only, such as /mcp", 255)
      .default("/mcp")
      .describe("The MCP endpoint; in the environment as `MCP_PATH`."),
    protocolVersions: withRules(
      z
        .array(z.enum(["2026-07-28", "2025-11-25"]))
        .max(2)
        .meta({ "x-kubernetes-list-type": "set" }),
      {
        cel: "self.exists(version, version == '2026-07-28')",
        message: "protocolVersions must hold 2026-07-28: older versions are served beside it",
        holds: (versions) => versions.includes("2026-07-28"),
      },
      {
        cel: "self.all(version, self.exists_one(other, other == version))",
        message: "protocolVersions names a version twice",
        holds: (versions) => new Set(versions).size === versions.length,
      },
    )
      .default(["2026-07-28"])
      .describe("The protocol versions that the server answers."),
    replicas: replicas.optional(),
    autoscaling: autoscaling.optional().describe("On by default: 2 to 10 pods at 70 % CPU."),
    resources: core.resources
      .default({ requests: { cpu: "50m", memory: "64Mi" } })
      .describe("The container's requests and limits."),
    pools: core
      .listByKey(pool, "name", 16)
      .optional()
      .describe("Slices of the server on pods of their own; what they don't give comes from the server."),
    requestState: requestState.default({}).describe("The keys that seal requestState, shared by all pods."),
    disruption: disruption
      .default({ drainSeconds: 5, gracePeriodSeconds: 60 })
      .describe("How pods stop, and how many may at once."),
    network: network.optional().describe("A NetworkPolicy for the pods. None when not given."),
    serviceAccount: serviceAccount.default({ automountToken: false }).describe("The pods' identity."),
    template: template.optional(),
    paused: z.boolean().default(false).describe("Hands off: no object is written until it is false."),
  }),
  oneScaler,
);

const condition = z.strictObject({
  type: z.string(),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string().meta({ format: "date-time" }),
  observedGeneration: z.int().optional(),
});

const poolStatus = z.strictObject({
  name: z.string().describe(`The pool; \`${mainPool}\` is the one that every server has.`),
  replicas: z.int32().describe("Pods that there are."),
  readyReplicas: z.int32().describe("Pods that take calls."),
});

export const status = z.strictObject({
  observedGeneration: z.int().optional().describe("The generation of the spec that this status is about."),
  conditions: z
    .array(condition)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
    .describe("Ready, Reconciling, Stalled and Available, each with a message that says what to do."),
  url: z.string().optional().describe("Where clients reach the server, once it answers."),
  replicas: z.int32().optional().describe("Pods of the main pool."),
  readyReplicas: z.int32().optional().describe("Pods of the main pool that take calls."),
  selector: z.string().optional().describe("The main pool's pods, for the scale subresource."),
  pools: z.array(poolStatus).optional().describe("Every pool, the main one first."),
});

export const nameRule = {
  cel: "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
  message:
    "an McpServer's name is the name of its Service: at most 63 lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit",
  holds: (name: string) => name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name),
};

/** What the user wrote. */
export type SpecInput = z.input<typeof spec>;
/** What the user wrote, with defaults. */
export type Spec = z.output<typeof spec>;
export type Autoscaling = z.output<typeof autoscaling>;
export type Template = z.output<typeof template>;
export type Status = z.output<typeof status>;
export type Condition = z.output<typeof condition>;

/** An McpServer whose spec has passed the schema, defaults filled in. */
export interface McpServer {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    /** Set while the server is being deleted. */
    deletionTimestamp?: string;
  };
  spec: Spec;
  status?: Status;
}
