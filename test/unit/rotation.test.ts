// A rotation of the requestState ring, pass by pass, with an operator that may die at any write.
import { describe, expect, test } from "vitest";
import { desired } from "../../operator/desired/index.ts";
import type { KubeObject } from "../../operator/desired/object.ts";
import { requestStateSecretName } from "../../operator/desired/request-state.ts";
import { type Ring, type RingKeys, ringKeysOf, ringOf } from "../../operator/desired/ring.ts";
import { officialImages } from "../../operator/desired/task-store/managed.ts";
import type { ApiRequest, Client } from "../../operator/kube/client.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import type { Caches } from "../../operator/reconcile/caches.ts";
import {
  type Child,
  configKey,
  observeChild,
  observeConfig,
  observeServer,
} from "../../operator/reconcile/observed.ts";
import { type ReconcileContext, reconcile } from "../../operator/reconcile/reconcile.ts";
import { serverOf } from "../support/arbitraries.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const spec = { image: "basket", replicas: 2, requestState: { rotateEvery: "1h" } };
const server = serverOf("basket", spec, "uid");
const secretName = requestStateSecretName(server);
const rotatedAt = "2026-01-01T00:00:00.000Z";
const wholeRing = (...keys: RingKeys) => ringOf(keys, "steady", rotatedAt) as Ring & { keys: RingKeys };

/** FieldsV1 that holds every field of a value, lists as a whole. */
function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [`f:${name}`, fieldsOf(child)]));
}

/** An object as the API server holds it after anypod applied it, all of its pods running. */
const stored = (object: KubeObject): ApiObject =>
  ({
    ...object,
    metadata: {
      ...object.metadata,
      uid: `uid-of-${object.kind}`,
      resourceVersion: "1",
      generation: 1,
      managedFields: [{ manager: "anypod", operation: "Apply", fieldsV1: fieldsOf(object) }],
    },
    status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
  }) as unknown as ApiObject;

/** One pass over a cluster that holds the objects; returns the applied ones. Dies at the first write of `diesAt`. */
async function pass(objects: ApiObject[], now: number, diesAt?: string): Promise<KubeObject[]> {
  const writes: KubeObject[] = [];
  const secret = objects.find(({ kind }) => kind === "Secret");
  const observed = observeServer({
    apiVersion: "anypod.dev/v1alpha1",
    kind: "McpServer",
    metadata: { name: "basket", namespace: "shop", uid: "uid", resourceVersion: "1" },
    spec,
  } as unknown as ApiObject);
  const client = {
    json: async ({ method = "GET", path, body }: ApiRequest) => {
      if (method === "GET") return secret;
      const object = body as KubeObject;
      if (path.endsWith("/status")) return { ...object, metadata: { ...object.metadata, resourceVersion: "2" } };
      if (object.kind === diesAt) throw new Error("the operator died");
      writes.push(object);
      return stored(object);
    },
  } as unknown as Client;
  const caches = {
    server: () => observed,
    children: () => objects.map((object) => observeChild(object.kind, object) as Child),
    podProblems: () => [],
    sees: () => true,
    config: (id: string) =>
      secret && id === configKey("Secret", { namespace: "shop", name: secretName })
        ? observeConfig("Secret", secret)
        : undefined,
    written: () => undefined,
    deleted: () => undefined,
  } as unknown as Caches;
  const contents = { hash: async () => "content" };
  const ignored = {
    report: async () => undefined,
    contention: () => 0,
    waited: () => 0,
    failures: 0,
    answers: undefined,
    wake: () => undefined,
    storeImages: officialImages,
  };
  const context: ReconcileContext = { client, caches, contents, now: () => now, ...ignored };
  await reconcile("shop/basket", context).catch(() => undefined);
  return writes;
}

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
