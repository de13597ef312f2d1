// `anypod validate` and the API server, asked about the same files as kubectl sends them: they take and refuse the same.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { dump } from "js-yaml";
import { beforeAll, expect, inject, test } from "vitest";
import { apiVersion, kind } from "../../operator/api/mcpserver.ts";
import { parseFile } from "../../operator/api/parse.ts";
import { ApiError } from "../../operator/kube/errors.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { mcpServers } from "../../operator/reconcile/kinds.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { badManifests, badSpecs, goodManifests } from "../support/manifests.ts";

let kube: TestKube;
beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"));
});

/** What kubectl says to a file, without keeping anything: empty when it would be taken. */
function kubectlSays(text: string): string {
  const args = [
    "--kubeconfig",
    inject("kubeconfig"),
    "-n",
    kube.namespace,
    "apply",
    "--dry-run=server",
    "--server-side",
  ];
  try {
    execFileSync(inject("kubectl"), [...args, "-f", "-"], { input: text, stdio: ["pipe", "pipe", "pipe"] });
    return "";
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr);
  }
}
const validateSays = (text: string) => parseFile("f.yaml", text, "default").errors.join("\n");

test.each(badSpecs)("both refuse %s", (_, spec) => {
  const text = dump({ apiVersion, kind, metadata: { name: "bad" }, spec });
  expect(kubectlSays(text)).not.toBe("");
  expect(validateSays(text)).not.toBe("");
});

test.each(badManifests)("both refuse %s", (_, text) => {
  expect(kubectlSays(text)).not.toBe("");
  expect(validateSays(text)).not.toBe("");
});

test.each(goodManifests)("both take %s", (_, text) => {
  expect([kubectlSays(text), validateSays(text)]).toEqual(["", ""]);
});

const piece = fc.constantFrom("a", "B", "9", "-", "_", ".", "/", " ", "a.b", "x".repeat(62), "é", "");
const key = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
const value = fc.oneof(key, fc.constantFrom<unknown>(1, true, null, {}));
const texts = fc.dictionary(key, value, { maxKeys: 2, noNullPrototype: true });
const metadata = fc.record(
  { labels: texts, annotations: texts, name: fc.constantFrom("a", "A", "1a", "a-", "a.b", "a".repeat(64)) },
  { requiredKeys: ["name"] },
);

test("both say the same of any metadata", async () => {
  await fc.assert(
    fc.asyncProperty(metadata, async (given) => {
      const object = { apiVersion, kind, metadata: given, spec: { image: "basket" } };
      const validate = validateSays(JSON.stringify(object));
      const server = await kube.client
        .json({
          method: "POST",
          path: collectionPath(mcpServers, kube.namespace),
          query: { dryRun: "All", fieldValidation: "Strict" },
          body: object,
        })
        .then(
          () => "",
          (error) => {
            if (error instanceof ApiError) return error.message;
            throw error;
          },
        );
      expect({ given, validate, server, agree: (validate === "") === (server === "") }).toMatchObject({ agree: true });
    }),
    { numRuns: 500 },
  );
});
