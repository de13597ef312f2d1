// A rotation of the requestState ring, pass by pass, with an operator that may die at any write.
import { describe, expect, test } from "vitest";
import { desired } from "../../operator/desired/index.ts";
import type { KubeObject } from "../../operator/desired/object.ts";
import { type Ring, type RingKeys, ringKeysOf, ringOf } from "../../operator/desired/ring.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import { serverOf } from "../support/arbitraries.ts";
import { pass as passOf, stored } from "../support/passes.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const spec = { image: "basket", replicas: 2, requestState: { rotateEvery: "1h" } };
const server = serverOf("basket", spec, "uid");
const rotatedAt = "2026-01-01T00:00:00.000Z";
const wholeRing = (...keys: RingKeys) => ringOf(keys, "steady", rotatedAt) as Ring & { keys: RingKeys };

const pass = (objects: ApiObject[], now: number, diesAt?: string) => passOf({ server, spec, objects, now, diesAt });

const keysIn = (objects: KubeObject[]) =>
  ringKeysOf((objects.find(({ kind }) => kind === "Secret") as { data?: Record<string, string> } | undefined)?.data);
const steady = wholeRing(key(1), key(0));
const hour = 3_600_000;
const due = Date.parse(rotatedAt) + hour;

/** The cluster as a pass leaves it that had nothing left to do, with this ring. */
async function settled(ring: Ring): Promise<ApiObject[]> {
  const first = desired(server, { ring, configHash: "", deployments: new Set(["basket"]) }).map(stored);
  // The config hash is the operator's to compute: take what it applies.
  const applied = await pass(first, Date.parse(rotatedAt));
  return first.map((object) => {
    const newer = applied.find(({ kind }) => kind === object.kind);
    return newer ? stored(newer) : object;
  });
}

describe("a rotation", () => {
  test("isn't begun before its time, and a settled server costs no write", async () => {
    expect(await pass(await settled(steady), due - 1)).toEqual([]);
  });

  test("begins with the new key behind the sealing one, and rolls the pods", async () => {
    const writes = await pass(await settled(steady), due);
    expect(writes.map(({ kind }) => kind)).toEqual(["Secret", "Deployment"]);
    expect(keysIn(writes)?.slice(0, 1)).toEqual([key(1)]);
    expect(keysIn(writes)).toHaveLength(2);
  });

  test("ends with the new key sealing, once the pods run with it", async () => {
    const before = await settled(steady);
    const staged = await pass(before, due);
    const after = before.map((object) => {
      const newer = staged.find(({ kind }) => kind === object.kind);
      return newer ? stored(newer) : object;
    });
    const promoted = await pass(after, due + 1000);
    expect(keysIn(promoted)).toEqual([keysIn(staged)?.[1], key(1)]);
    expect(promoted.map(({ kind }) => kind)).toEqual(["Secret", "Deployment"]);
  });

  test("waits for the pods when the operator died after it wrote the Secret and before it wrote the Deployment", async () => {
    const before = await settled(steady);
    const writes = await pass(before, due, "Deployment");
    expect(writes.map(({ kind }) => kind)).toEqual(["Secret"]);
    // Pods still run with the old ring: they can't open what the new key seals.
    const after = before.map((object) => (object.kind === "Secret" ? stored(writes[0]!) : object));
    const next = await pass(after, due + 1000);
    expect(keysIn(next)?.[0] ?? key(1)).toBe(key(1));
    expect(next.map(({ kind }) => kind)).toContain("Deployment");
  });
});
