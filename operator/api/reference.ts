// docs/reference.md, computed from the schema: every field, its type, its default and its rules.

import { type JsonSchema, jsonSchema } from "./crd.ts";
import { apiVersion, kind, nameRule, spec, status } from "./mcpserver.ts";

function typeName(schema: JsonSchema): string {
  if (schema["x-kubernetes-int-or-string"]) return "integer or string";
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.type === "array") return `list of ${schema.items ? typeName(schema.items) : "any"}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object" && !schema.properties) return "map";
  return schema.type ?? "any";
}

interface Row {
  path: string;
  schema: JsonSchema;
  required: boolean;
}

function rows(schema: JsonSchema, prefix: string): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}${child.type === "array" ? "[]" : ""}`;
    const nested = child.type === "array" && child.items ? child.items : child;
    const required = schema.required?.includes(name) ?? false;
    return [{ path, schema: child, required }, ...rows(nested, `${path}.`)];
  });
}

const cell = (text: string) => text.replaceAll("|", "\\|");

function table(schema: JsonSchema): string {
  const lines = rows(schema, "").map(({ path, schema: field, required }) => {
    const fallback =
      field.default === undefined ? (required ? "required" : "") : `\`${JSON.stringify(field.default)}\``;
    return `| \`${path}\` | ${cell(typeName(field))} | ${cell(field.description ?? "")} | ${cell(fallback)} |`;
  });
  return ["| field | type | meaning | default |", "|---|---|---|---|", ...lines].join("\n");
}

function messages(schema: JsonSchema): string[] {
  const own = (schema["x-kubernetes-validations"] ?? []) as { message: string }[];
  const nested = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])];
  return [...own.map(({ message }) => message), ...nested.flatMap(messages)];
}

/** The reference page, as Markdown. */
export function reference(): string {
  const specSchema = jsonSchema(spec);
  const refusals = [...new Set([nameRule.message, ...messages(specSchema)])];
  return `<!-- Generated from operator/api/mcpserver.ts by \`npm run generate\`. -->
# ${kind} (${apiVersion})

Defaults are filled in by the operator, not stored: what you commit is what the cluster holds.
Unknown fields are refused.

## spec

${table(specSchema)}

## status

${table(jsonSchema(status))}

## What is refused

The API server (and \`anypod render\`) refuses, beside wrong types, unknown fields and values out of range:

${refusals.map((message) => `- ${message}`).join("\n")}
`;
}
