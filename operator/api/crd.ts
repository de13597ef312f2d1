// The CustomResourceDefinition, computed from the schema: structural, with CEL rules, printer columns and subresources.
import * as z from "zod";
import { group, kind, nameRule, plural, spec, status, version } from "./mcpserver.ts";

/** An OpenAPI v3 schema as a CRD holds it. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  format?: string;
  [extension: `x-kubernetes-${string}`]: unknown;
}

const int32Max = 2 ** 31 - 1;

/** zod's bounds of an integer's type become a `format`, which is how Kubernetes says it. */
function integer(schema: JsonSchema): JsonSchema {
  const { minimum, maximum, ...rest } = schema;
  const bounded = (bound: number | undefined, type: number[]) => bound !== undefined && !type.includes(bound);
  return {
    ...rest,
    format: maximum === undefined || maximum <= int32Max ? "int32" : "int64",
    ...(bounded(minimum, [Number.MIN_SAFE_INTEGER, -int32Max - 1]) && { minimum }),
    ...(bounded(maximum, [Number.MAX_SAFE_INTEGER, int32Max]) && { maximum }),
  };
}

function object(schema: JsonSchema): JsonSchema {
  const { properties = {}, additionalProperties, ...rest } = schema;
  const named = Object.entries(properties).map(([name, value]) => [name, structural(value)]);
  const open = typeof additionalProperties === "object" && Object.keys(additionalProperties).length === 0;
  return {
    ...rest,
    // The API server leaves empty ones out, and whoever applies them would differ from it for ever.
    ...(named.length > 0 && { properties: Object.fromEntries(named) }),
    ...(open && { "x-kubernetes-preserve-unknown-fields": true }),
    ...(typeof additionalProperties === "object" &&
      !open && { additionalProperties: structural(additionalProperties) }),
  };
}

/** zod's JSON schema as the API server accepts it: nothing defaulted, no closed objects, canonical int-or-string. */
function structural({ default: _, ...schema }: JsonSchema): JsonSchema {
  if (schema["x-kubernetes-int-or-string"]) return { ...schema, anyOf: [{ type: "integer" }, { type: "string" }] };
  if (schema.type === "integer") return integer(schema);
  if (schema.type === "object") return object(schema);
  if (schema.items) return { ...schema, items: structural(schema.items) };
  return schema;
}

/** What zod says of a schema, defaults included: the source of the CRD and of the reference page. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as JsonSchema;
}

/**
 * What kstatus, and with it Flux, `helm --wait` and `kubectl wait`, read until anypod has looked: without a status, they take
 * an object of a kind that they don't know for one that is as it should be.
 */
const unobserved = { observedGeneration: -1 };

const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath });

/** The CustomResourceDefinition of McpServer. */
export function crd(): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: "mcpserver",
        shortNames: ["amcp"],
        categories: ["all"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: [
            column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
            column("URL", "string", ".status.url"),
            column("Replicas", "integer", ".status.readyReplicas"),
            column("Versions", "string", ".spec.protocolVersions"),
            column("Age", "date", ".metadata.creationTimestamp"),
          ],
          schema: {
            openAPIV3Schema: {
              type: "object",
              description: "A stateless Model Context Protocol server: any of its pods answers any request.",
              required: ["spec"],
              "x-kubernetes-validations": [{ rule: nameRule.cel, message: nameRule.message }],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: structural(jsonSchema(spec)),
                status: { ...structural(jsonSchema(status)), default: unobserved },
              },
            },
          },
        },
      ],
    },
  };
}
