// The chart mcp-server: every field of an McpServer's spec is a value of its own, documented and checked as the schema has it.
import { dump } from "js-yaml";
import * as z from "zod";
import { type JsonSchema, jsonSchema } from "../../operator/api/crd.ts";
import { spec } from "../../operator/api/mcpserver.ts";
import type { DocumentedValue } from "./documented.ts";
import { valuesSchema } from "./schema.ts";
import { asDependency } from "./values.ts";

/** What is of the chart and not of the spec. */
const own = z.strictObject({
  ...asDependency,
  nameOverride: z.string().default("").describe("In the McpServer's name, follows the release's."),
  fullnameOverride: z.string().default("").describe("The McpServer's name. The release's when empty."),
  labels: z.record(z.string(), z.string()).default({}).describe("More labels of the McpServer."),
  annotations: z.record(z.string(), z.string()).default({}).describe("More annotations of the McpServer."),
});

/** Names of the values that don't go into the spec. */
export const ownValues = Object.keys(own.shape).sort();

type Properties = Record<string, JsonSchema>;
const ownFields = Object.entries(jsonSchema(own).properties as Properties).filter(([, { description }]) => description);
const specFields = Object.entries(jsonSchema(spec).properties as Properties);

/** values.schema.json. */
export function serverSchema(): Record<string, unknown> {
  const fields = valuesSchema(spec);
  const { properties } = valuesSchema(own) as { properties: object };
  return { ...fields, properties: { ...properties, ...(fields.properties as object) } };
}

/** values.yaml: the fields as comments, since the operator knows the defaults. */
export function serverValues(): string {
  const note = (description = "") => `# ${description}\n`;
  const yaml = (value: object) => dump(value, { lineWidth: 120 });
  const commented = specFields.map(([name, { description, default: value }]) => {
    const example = value === undefined ? `${name}:\n` : yaml({ [name]: value });
    return `${note(description)}${example.replaceAll(/^(?=.)/gm, "# ")}`;
  });
  const given = ownFields.map(
    ([name, { description, default: value }]) => `${note(description)}${yaml({ [name]: value })}`,
  );
  return [
    "# Generated from operator/api/mcpserver.ts by `npm run generate`.\n#\n",
    "# Values are the fields of an McpServer's spec; only image is required. What isn't given is left out of the McpServer,\n",
    "# and has the default that is shown here.\n\n",
    commented.join("\n"),
    "\n",
    given.join("\n"),
  ].join("");
}

/** The rows of the README's table. */
export function serverRows(): DocumentedValue[] {
  const required = jsonSchema(spec).required ?? [];
  return [...specFields, ...ownFields].map(([path, { description = "", default: value }]) => ({
    path,
    default: value,
    description: required.includes(path) ? `${description} **Required.**` : description,
  }));
}
