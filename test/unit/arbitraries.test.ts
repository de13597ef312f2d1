// The random servers of the property tests are only worth something when they are accepted and leave no field out.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonSchema, jsonSchema } from "../../operator/api/crd.ts";
import { spec } from "../../operator/api/mcpserver.ts";
import { parseSpec } from "../../operator/api/parse.ts";
import { specInput } from "../support/arbitraries.ts";

test("every random spec is accepted", () => {
  fc.assert(
    fc.property(specInput, (input) => {
      expect(parseSpec(input)).not.toHaveProperty("problems");
    }),
  );
});

/** Paths of all fields that a schema has. */
function schemaPaths(schema: JsonSchema, prefix = ""): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}.${name}`;
    return [path, ...schemaPaths(child, path)];
  });
  return [...own, ...(schema.items ? schemaPaths(schema.items, prefix) : [])];
}

/** Paths of all fields that a value has. */
function valuePaths(value: unknown, prefix = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuePaths(item, prefix));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [
    `${prefix}.${name}`,
    ...valuePaths(child, `${prefix}.${name}`),
  ]);
}

test("every field of the schema occurs in random specs", () => {
  const seen = new Set(fc.sample(specInput, { numRuns: 1500, seed: 1 }).flatMap((input) => valuePaths(input)));
  // Kubernetes takes only some kinds of target with each kind of metric.
  const impossible = /\.metrics\.\w+\.target\.\w+$/;
  const missing = schemaPaths(jsonSchema(spec)).filter((path) => !seen.has(path) && !impossible.test(path));
  expect(missing).toEqual([]);
});
