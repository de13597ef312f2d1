// Pieces of Kubernetes' own API that an McpServer embeds, as zod schemas with the names and meaning of the core types.
import * as z from "zod";
import { type Rule, text, withRules } from "./rule.ts";

/** A whole number or a percentage, as in `maxUnavailable: 1` or `maxUnavailable: 25%`. */
const percentPattern = "^(100|[0-9]{1,2})%$";
const notIntOrPercent = "must be a whole number or a percentage up to 100%, such as 1 or 25%";
export const intOrPercent = z
  .union([z.int().min(0), z.string().regex(new RegExp(percentPattern), notIntOrPercent)], notIntOrPercent)
  .meta({ "x-kubernetes-int-or-string": true, pattern: percentPattern, minimum: 0 });

const quantityPattern =
  "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";
/** A resource quantity, such as `100m` or `128Mi`. */
const notQuantity = "must be a quantity, such as 2, 100m or 128Mi";
const quantity = z
  .union([z.int(), z.string().regex(new RegExp(quantityPattern), notQuantity)], notQuantity)
  .meta({ "x-kubernetes-int-or-string": true, pattern: quantityPattern });

/** A list whose items are told apart by `key`; two items with one key are refused. */
export function listByKey<S extends z.ZodObject>(item: S, key: string, maxItems: number) {
  const keyOf = (value: unknown) => (value as Record<string, unknown>)[key];
  return z
    .array(item)
    .max(maxItems)
    .refine((items) => new Set(items.map(keyOf)).size === items.length, {
      message: `two items have one ${key}: give each its own`,
    })
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] });
}

export const dnsLabel = (what: string) =>
  text(
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    `${what} must be lower-case letters, digits and '-', and begin and end with a letter or digit`,
    63,
  );

export const objectName = (what: string) =>
  text(
    "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    `${what} must be the name of an object: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit`,
    253,
  );

const keySelector = z.strictObject({
  name: objectName("name").describe("Name of the object in the server's namespace."),
  key: z.string().min(1).max(253).describe("The key to take."),
  optional: z.boolean().optional().describe("Whether the object or its key may be missing."),
});

const envVarSource = withRules(
  z.strictObject({
    secretKeyRef: keySelector.optional().describe("A key of a Secret."),
    configMapKeyRef: keySelector.optional().describe("A key of a ConfigMap."),
    fieldRef: z
      .strictObject({ apiVersion: z.string().optional(), fieldPath: z.string().min(1) })
      .optional()
      .describe("A field of the pod, such as `metadata.name`."),
    resourceFieldRef: z
      .strictObject({ containerName: z.string().optional(), resource: z.string().min(1), divisor: quantity.optional() })
      .optional()
      .describe("A resource of the container, such as `limits.memory`."),
  }),
  {
    cel: "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef), has(self.resourceFieldRef)].filter(x, x).size() == 1",
    message: "name exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef",
    holds: (source) => Object.values(source).filter((value) => value !== undefined).length === 1,
  },
);

const envVar = withRules(
  z.strictObject({
    name: text("^[^=\\s]+$", "an environment variable's name has no '=' and no blank", 253),
    value: z.string().max(32768).optional(),
    valueFrom: envVarSource.optional(),
  }),
  {
    cel: "!(has(self.value) && has(self.valueFrom))",
    message: "give value or valueFrom, not both",
    holds: ({ value, valueFrom }) => value === undefined || valueFrom === undefined,
  },
);
export const env = listByKey(envVar, "name", 200);

const envFromSource = z.strictObject({
  name: objectName("name"),
  optional: z.boolean().optional().describe("Whether the object may be missing."),
});
export const envFrom = z
  .array(
    withRules(
      z.strictObject({
        prefix: z.string().max(253).optional().describe("Put before each key."),
        secretRef: envFromSource.optional(),
        configMapRef: envFromSource.optional(),
      }),
      {
        cel: "has(self.secretRef) != has(self.configMapRef)",
        message: "name exactly one of secretRef, configMapRef",
        holds: ({ secretRef, configMapRef }) => (secretRef === undefined) !== (configMapRef === undefined),
      },
    ),
  )
  .max(50);

const resourceList = z.record(z.string(), quantity);
export const resources = z.strictObject({
  requests: resourceList
    .optional()
    .describe("What the scheduler sets aside; the autoscaler's percentages are of these."),
  limits: resourceList.optional().describe("What the container may use at most."),
});

/** Resources that are given have a limit of memory; `why`, for the message. */
export const memoryLimit = (why: string): Rule<{ resources: z.output<typeof resources> }> => ({
  cel: "!has(self.resources) || has(self.resources.limits) && 'memory' in self.resources.limits",
  message: `resources must have limits.memory: ${why}`,
  holds: ({ resources: given }) => given.limits?.memory !== undefined,
  fieldPath: ".resources",
});

const stringMap = z.record(z.string(), z.string());

const labelSelector = z.strictObject({
  matchLabels: stringMap.optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

/** networking.k8s.io/v1 NetworkPolicyPeer. */
export const networkPolicyPeer = withRules(
  z.strictObject({
    podSelector: labelSelector.optional(),
    namespaceSelector: labelSelector.optional(),
    ipBlock: z.strictObject({ cidr: z.string().min(1), except: z.array(z.string()).optional() }).optional(),
  }),
  {
    cel: "has(self.ipBlock) != (has(self.podSelector) || has(self.namespaceSelector))",
    message: "a peer is an ipBlock, or a podSelector and/or a namespaceSelector",
    holds: (peer) =>
      (peer.ipBlock !== undefined) !== (peer.podSelector !== undefined || peer.namespaceSelector !== undefined),
  },
);

/** networking.k8s.io/v1 NetworkPolicyEgressRule. */
export const networkPolicyEgressRule = z.strictObject({
  to: z.array(networkPolicyPeer).max(50).optional().describe("Peers; none means any."),
  ports: z
    .array(
      z.strictObject({
        protocol: z.enum(["TCP", "UDP", "SCTP"]).optional(),
        port: z
          .union([z.int().min(1).max(65535), z.string()])
          .optional()
          .meta({ "x-kubernetes-int-or-string": true, minimum: 1, maximum: 65535 }),
        endPort: z.int32().optional(),
      }),
    )
    .max(50)
    .optional()
    .describe("Ports; none means all."),
});

const metricTarget = z.strictObject({
  type: z.enum(["Utilization", "Value", "AverageValue"]),
  value: quantity.optional(),
  averageValue: quantity.optional(),
  averageUtilization: z.int32().min(1).optional(),
});
const metricIdentifier = z.strictObject({ name: z.string().min(1), selector: labelSelector.optional() });
const crossVersionObjectReference = z.strictObject({
  apiVersion: z.string().optional(),
  kind: z.string().min(1),
  name: z.string().min(1),
});

/** autoscaling/v2 MetricSpec. */
export const metric = withRules(
  z.strictObject({
    type: z.enum(["Resource", "ContainerResource", "Pods", "Object", "External"]),
    resource: z.strictObject({ name: z.string().min(1), target: metricTarget }).optional(),
    containerResource: z
      .strictObject({ name: z.string().min(1), container: z.string().min(1), target: metricTarget })
      .optional(),
    pods: z.strictObject({ metric: metricIdentifier, target: metricTarget }).optional(),
    object: z
      .strictObject({
        describedObject: crossVersionObjectReference,
        metric: metricIdentifier,
        target: metricTarget,
      })
      .optional(),
    external: z.strictObject({ metric: metricIdentifier, target: metricTarget }).optional(),
  }),
  {
    cel: "self.type == 'Resource' ? has(self.resource) : self.type == 'ContainerResource' ? has(self.containerResource) : self.type == 'Pods' ? has(self.pods) : self.type == 'Object' ? has(self.object) : has(self.external)",
    message: "give the field that the type names, such as pods for type Pods",
    holds: (spec) => spec[metricField[spec.type]] !== undefined,
  },
);
const metricField = {
  Resource: "resource",
  ContainerResource: "containerResource",
  Pods: "pods",
  Object: "object",
  External: "external",
} as const;

const scalingRules = z.strictObject({
  stabilizationWindowSeconds: z.int32().min(0).max(3600).optional(),
  selectPolicy: z.enum(["Max", "Min", "Disabled"]).optional(),
  tolerance: quantity.optional(),
  policies: z
    .array(
      z.strictObject({
        type: z.enum(["Pods", "Percent"]),
        value: z.int32().min(1),
        periodSeconds: z.int32().min(1).max(1800),
      }),
    )
    .max(20)
    .optional(),
});
/** autoscaling/v2 HorizontalPodAutoscalerBehavior. */
export const scalingBehavior = z.strictObject({ scaleUp: scalingRules.optional(), scaleDown: scalingRules.optional() });
