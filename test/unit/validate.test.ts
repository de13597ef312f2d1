// What `anypod validate` says of files, the same that the API server says (test/control-plane/validate.test.ts asks both).
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersion, kind } from "../../operator/api/mcpserver.ts";
import { validate } from "../../operator/validate.ts";
import { badManifests, badSpecs, goodManifests, manifest } from "../support/manifests.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "anypod-validate-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function validated(text: string) {
  const file = join(folder, "f.yaml");
  writeFileSync(file, text);
  const { summary, errors } = validate([file]);
  return { summary, errors: errors.map((error) => error.replace(`${folder}/`, "")) };
}

const isLine = /^f\.yaml:\d+ \S.*: \S/;

describe("refused is", () => {
  test.each(badSpecs)("%s", (_, spec) => {
    const { errors } = validated(dump({ apiVersion, kind, metadata: { name: "bad" }, spec }));
    expect(errors).not.toEqual([]);
    for (const error of errors) expect(error).toMatch(isLine);
  });

  test.each(badManifests)("%s", (_, text) => {
    const { errors } = validated(text);
    expect(errors).not.toEqual([]);
    for (const error of errors) expect(error).toMatch(/^f\.yaml:\d+ /);
  });
});

test.each(goodManifests)("taken is %s", (_, text) => {
  expect(validated(text)).toEqual({ summary: "1 McpServer valid", errors: [] });
});

test("a problem is told with its line and its field", () => {
  expect(validated(manifest({ metadata: ["labels:", "  a b: c"], spec: ["prot: 1"] })).errors).toEqual([
    expect.stringMatching(/^f\.yaml:6 metadata\.labels\.a b: a key is letters/),
    expect.stringMatching(/^f\.yaml:9 spec\.prot: unknown field/),
  ]);
});

test("a key that is there twice is refused, though kubectl takes the last in silence", () => {
  expect(validated(manifest({ spec: ["port: 1", "port: 2"] })).errors).toEqual([
    "f.yaml:8 not YAML: duplicated mapping key",
  ]);
});

test("objects of other kinds are passed over, and counted", () => {
  const other = "---\nkind: ConfigMap\n";
  expect(validated(manifest({}) + other).summary).toBe("1 McpServer valid, 1 object of other kinds passed over");
  expect(validated(other + other)).toEqual({
    summary: "0 McpServers valid, 2 objects of other kinds passed over",
    errors: [],
  });
});
