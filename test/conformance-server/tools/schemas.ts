// Tools that are about their input schema.
import { fromJsonSchema } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type Tool, text } from "../tool.ts";

export const schemaTools: readonly Tool[] = [
  {
    name: "test_x_mcp_header",
    description: "Has an argument that is also sent as the header Mcp-Param-Region",
    inputSchema: z.object({ region: z.string().optional().meta({ "x-mcp-header": "Region" }) }),
    call: ({ region }) => text(`Region: ${String(region)}`),
  },
  {
    name: "json_schema_2020_12_tool",
    description: "Tool with JSON Schema 2020-12 features",
    inputSchema: fromJsonSchema({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: {
          $anchor: "addressDef",
          type: "object",
          properties: { street: { type: "string" }, city: { type: "string" } },
        },
      },
      properties: {
        name: { type: "string" },
        address: { $ref: "#/$defs/address" },
        contactMethod: { type: "string", enum: ["phone", "email"] },
        phone: { type: "string" },
        email: { type: "string" },
      },
      allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
      if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ["phone"] },
      else: { required: ["email"] },
      additionalProperties: false,
    }),
    call: (args) => text(JSON.stringify(args)),
  },
];
