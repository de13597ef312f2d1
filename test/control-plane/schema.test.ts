// The schema, as zod and as the API server have it: they accept and refuse the same, and what is accepted renders to objects
// that the API server takes.
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { apiVersion, kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { parseSpec } from "../../operator/api/parse.ts";
import { officialImages } from "../../operator/desired/images.ts";
import { desired, type World } from "../../operator/desired/index.ts";
import { ringOf } from "../../operator/desired/ring.ts";
import { ApiError } from "../../operator/kube/errors.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { specInput } from "../support/arbitraries.ts";
import { type TestKube, testKube, typeByKind } from "../support/kube.ts";
import { installOperators } from "./definitions.ts";

let kube: TestKube;
let uninstall = async () => {};
beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"));
  uninstall = await installOperators(kube);
});
afterAll(async () => {
  await uninstall();
  await kube.client.close();
});

/** What the API server says to an object, without keeping it: nothing, or why not. */
async function dryRun(kindName: string, object: object): Promise<string> {
  try {
    await kube.client.json({
      method: "POST",
      path: collectionPath(typeByKind(kindName), kube.namespace),
      query: { dryRun: "All", fieldValidation: "Strict" },
      body: object,
    });
    return "";
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
const dryRunSpec = (spec: unknown) =>
  dryRun(kind, { apiVersion, kind, metadata: { name: "random", namespace: kube.namespace }, spec });

const world: World = {
  ring: ringOf([Buffer.alloc(32).toString("base64")], "steady", "2026-01-01T00:00:00Z"),
  configHash: "hash",
  deployments: new Set(),
  isInstalled: (kind) => kind === "PodMonitor",
};

test("every accepted server renders to objects that the API server takes", async () => {
  await fc.assert(
    fc.asyncProperty(specInput, async (spec: SpecInput) => {
      expect(await dryRunSpec(spec)).toBe("");
      const parsed = parseSpec(spec);
      if (!("spec" in parsed)) throw new Error(JSON.stringify(parsed.problems));
      const metadata = { name: "random", namespace: kube.namespace, uid: "1-2-3", generation: 1 };
      const { taskStore } = parsed.spec;
      const owner = taskStore && !taskStore.ref ? { metadata, taskStore } : undefined;
      const store = { owner, logins: world.ring, images: officialImages };
      const { telemetry: sent } = parsed.spec;
      const telemetry = sent && {
        owner: sent.shared ? undefined : { metadata, telemetry: sent },
        image: officialImages.collector,
        configHash: "hash",
      };
      for (const object of desired({ metadata, spec: parsed.spec }, { ...world, store, telemetry }))
        expect({ object, refusal: await dryRun(object.kind, object) }).toEqual({ object, refusal: "" });
    }),
    { numRuns: 60 },
  );
});

/** All paths of a JSON value. */
function pathsOf(value: unknown, path: PropertyKey[] = []): PropertyKey[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, nested]) => pathsOf(nested, [...path, key]))];
}

function replaceAt(value: unknown, [first, ...rest]: PropertyKey[], by: unknown): unknown {
  if (first === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<PropertyKey, unknown>;
  copy[first] = replaceAt(copy[first], rest, by);
  return copy;
}

const junk = fc.constantFrom<unknown>(-1, 0, 1.5, 70_000, "", "a b", "-", "x".repeat(600), true, [], {}, { x: 1 }, [
  "a",
  "a",
]);
const mutant = specInput.chain((spec) =>
  fc
    .record({ path: fc.constantFrom(...pathsOf(spec).filter((path) => path.length > 0)), by: junk })
    .map(({ path, by }) => ({
      spec: replaceAt(spec, path, by),
      path,
      by,
    })),
);

test("zod and the API server accept and refuse the same", async () => {
  await fc.assert(
    fc.asyncProperty(mutant, async ({ spec, path, by }) => {
      const parsed = parseSpec(spec);
      const zod = "spec" in parsed ? "" : JSON.stringify(parsed.problems);
      const server = await dryRunSpec(spec);
      expect({ path, by, zod, server, agree: (zod === "") === (server === "") }).toMatchObject({ agree: true });
    }),
    { numRuns: 400 },
  );
});
