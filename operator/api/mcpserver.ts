// THE schema of McpServer. The CRD, the TypeScript types, the defaults and docs/reference.md all come from this file;
// `npm run generate` writes them. Defaults are filled in by the operator and not by the API server, so that what Git
// holds and what the cluster holds never differ.
import * as z from "zod";
import * as core from "./core.ts";
import { rotateEvery } from "./duration.ts";
import { scrapersNamed } from "./metrics.ts";
import { canary, legacy, mainPool, pools } from "./pool.ts";
import { modernVersion, routing } from "./routing.ts";
import { text, withRules } from "./rule.ts";
import { autoscaling, oneScaler, replicas } from "./scaling.ts";
import { taskStore } from "./task-store.ts";
import { telemetry } from "./telemetry.ts";
import { image, template } from "./template.ts";

export const group = "anypod.dev";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;
export const kind = "McpServer";
export const plural = "mcpservers";

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
        .array(z.enum([modernVersion, "2025-11-25"]))
        .max(2)
        .meta({ "x-kubernetes-list-type": "set" }),
      {
        cel: `self.exists(version, version == '${modernVersion}')`,
        message: `protocolVersions must hold ${modernVersion}: older versions are served beside it`,
        holds: (versions) => versions.includes(modernVersion),
      },
      {
        cel: "self.all(version, self.exists_one(other, other == version))",
        message: "protocolVersions names a version twice",
        holds: (versions) => new Set(versions).size === versions.length,
      },
    )
      .default([modernVersion])
      .describe("The protocol versions that the server answers."),
    replicas: replicas.optional(),
    autoscaling: autoscaling.optional().describe("On by default: 2 to 10 pods at 70 % CPU."),
    resources: core.resources
      .default({ requests: { cpu: "50m", memory: "64Mi" } })
      .describe("The container's requests and limits."),
    pools: pools
      .optional()
      .describe("Slices of the server on pods of their own; what they don't give comes from the server."),
    canary: canary.optional().describe("Another image that takes a share of the main pool's calls."),
    legacy: legacy
      .optional()
      .describe(`A server for clients that don't speak ${modernVersion}: it takes all calls of theirs.`),
    routing: routing.optional().describe("How calls come in from outside the cluster. Not at all when not given."),
    requestState: requestState.default({}).describe("The keys that seal requestState, shared by all pods."),
    taskStore: taskStore
      .optional()
      .describe("Where tasks are kept, so that any pod can continue any of them. None when not given."),
    telemetry: telemetry.optional().describe("Where traces, metrics and logs go. Nowhere when not given."),
    disruption: disruption
      .default({ drainSeconds: 5, gracePeriodSeconds: 60 })
      .describe("How pods stop, and how many may at once."),
    network: network.optional().describe("A NetworkPolicy for the pods. None when not given."),
    serviceAccount: serviceAccount.default({ automountToken: false }).describe("The pods' identity."),
    template: template.optional(),
    paused: z.boolean().default(false).describe("Hands off: no object is written until it is false."),
  }),
  oneScaler,
  scrapersNamed,
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
  weight: z.int32().optional().describe("Share of the main pool's calls that the canary takes, in percent."),
});

export const status = z.strictObject({
  observedGeneration: z.int().optional().describe("The generation of the spec that this status is about."),
  conditions: z
    .array(condition)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
    .describe(
      "Ready, Reconciling, Stalled, Available; with spec.routing, Routed, HeaderRouting and RoutingSupported; with spec.taskStore, or when tasks need one, TaskStoreReady: each has a message that says what to do.",
    ),
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
export type Status = z.output<typeof status>;
export type Condition = z.output<typeof condition>;

/** An McpServer whose spec has passed the schema, defaults filled in. */
export interface McpServer {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    /** RFC 3339; none without a cluster. */
    createdAt?: string;
    /** Set while the server is being deleted. */
    deletionTimestamp?: string;
  };
  spec: Spec;
  status?: Status;
}
