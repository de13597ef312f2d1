// zod → the JSON schema that Helm holds a chart's values against.
import * as z from "zod";

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

/** Patterns that the CustomResourceDefinition has as a rule, so that it can say what to write instead. */
function patterns(rules: unknown): string[] {
  const found = ((rules ?? []) as { rule: string }[]).map(({ rule }) => /^self\.matches\('(.*)'\)$/.exec(rule)?.[1]);
  return found.flatMap((pattern) => (pattern === undefined ? [] : [pattern.replaceAll("\\\\", "\\")]));
}

/** Without what only a CustomResourceDefinition has a use for. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isNode(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !key.startsWith("x-kubernetes-"));
  const [pattern] = patterns(value["x-kubernetes-validations"]);
  return {
    ...Object.fromEntries(kept.map(([key, child]) => [key, plain(child)])),
    ...(pattern !== undefined && { pattern }),
  };
}

/** As JavaScript counts; Helm's values have no such bounds. */
const isOnlyJavaScripts = (bound: unknown) => Math.abs(Number(bound)) === Number.MAX_SAFE_INTEGER;

export function valuesSchema(schema: z.ZodType): Node {
  const json = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema }) => {
      if (isOnlyJavaScripts(jsonSchema.minimum)) delete jsonSchema.minimum;
      if (isOnlyJavaScripts(jsonSchema.maximum)) delete jsonSchema.maximum;
    },
  });
  return plain(json) as Node;
}

export const schemaText = (schema: Node) => `${JSON.stringify(schema, null, 2)}\n`;
