// The passwords of a managed store are renewed, pass by pass: the store takes the new one before anybody uses it, and pods
// roll over to it once.
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../operator/desired/object.ts";
import { ringKeysOf } from "../../operator/desired/ring.ts";
import { loginsSecretName } from "../../operator/desired/task-store/names.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import { serverOf } from "../support/arbitraries.ts";
import { type Pass, pass as passOf, updated } from "../support/passes.ts";

const began = Date.parse("2026-01-01T00:00:00.000Z");
const hour = 3_600_000;
const kinds = (list: KubeObject[]) => list.map(({ kind }) => kind);

describe.each(["redis", "postgresql"] as const)("with %s", (engine) => {
  const spec = { image: "basket", replicas: 2, taskStore: { [engine]: { managed: { rotateEvery: "1h" } } } };
  const server = serverOf("basket", spec, "uid");
  const pass = (objects: ApiObject[], now: number, change: Partial<Pass> = {}) =>
    passOf({ server, spec, objects, now, ...change });
  const keysIn = (objects: (ApiObject | KubeObject)[]) => {
    const secret = objects.findLast(({ metadata }) => metadata.name === loginsSecretName("basket", engine));
    return ringKeysOf((secret as { data?: Record<string, string> } | undefined)?.data);
  };
  const urlIn = (objects: (ApiObject | KubeObject)[]) => {
    const secret = objects.findLast(({ metadata }) => metadata.name === loginsSecretName("basket", engine));
    return Buffer.from((secret as unknown as { data: { url: string } }).data.url, "base64").toString();
  };

  /** The cluster as it is when nothing is left to do. */
  async function settled(): Promise<ApiObject[]> {
    let objects: ApiObject[] = [];
    // The first pass makes no pods, as their store isn't there.
    for (let turn = 0; turn < 4; turn += 1) objects = updated(objects, await pass(objects, began));
    expect(await pass(objects, began)).toEqual([]);
    return objects;
  }

  test("pods are made when the store's are there, and then nothing is written until it is time", async () => {
    const first = await pass([], began);
    expect(kinds(first)).toContain("StatefulSet");
    expect(kinds(first)).not.toContain("Deployment");
    const objects = updated([], first);
    expect(kinds(await pass(objects, began))).toContain("Deployment");
    expect(await pass(await settled(), began + hour - 1)).toEqual([]);
  });

  test("first the store takes a new password beside the old one, and the server's pods are left alone", async () => {
    const objects = await settled();
    const staged = await pass(objects, began + hour);
    expect(kinds(staged)).toEqual(["Secret", "StatefulSet"]);
    expect(keysIn(staged)?.[0]).toBe(keysIn(objects)?.[0]);
    expect(keysIn(staged)).toHaveLength(2);
    expect(urlIn(staged)).toBe(urlIn(objects));
  });

  test("nothing begins while pods of a server that uses the store may have the password before", async () => {
    const objects = await settled();
    const theirs = objects.find(({ kind }) => kind === "Deployment") as ApiObject & { status: object };
    const onTheirWay = { ...theirs, status: { ...theirs.status, updatedReplicas: 1 } };
    expect(await pass(objects, began + hour, { borrowed: [onTheirWay] })).toEqual([]);
    expect(kinds(await pass(objects, began + hour, { borrowed: [theirs] }))).toEqual(["Secret", "StatefulSet"]);
  });

  test("then pods roll over to it, once, and the store goes on as it is", async () => {
    const before = await settled();
    const objects = updated(before, await pass(before, began + hour));
    const promoted = await pass(objects, began + hour + 1000);
    expect(kinds(promoted)).toEqual(["Secret", "Deployment"]);
    expect(keysIn(promoted)).toEqual(keysIn(objects)?.toReversed());
    expect(urlIn(promoted)).not.toBe(urlIn(objects));
    expect(await pass(updated(objects, promoted), began + hour + 2000)).toEqual([]);
  });

  test("nobody uses a new password that the store's pod doesn't take yet", async () => {
    const before = await settled();
    const staged = updated(before, await pass(before, began + hour));
    const notReady = staged.map((object) =>
      object.kind === "StatefulSet" ? { ...object, status: { observedGeneration: 1, readyReplicas: 0 } } : object,
    );
    expect(kinds(await pass(notReady, began + hour + 1000))).not.toContain("Secret");
    const rolling = staged.map((object) =>
      object.kind === "StatefulSet"
        ? { ...object, status: { observedGeneration: 1, readyReplicas: 1, currentRevision: "a", updateRevision: "b" } }
        : object,
    );
    expect(kinds(await pass(rolling, began + hour + 1000))).not.toContain("Secret");
  });

  test("an operator that dies between Secret and StatefulSet goes on where it was", async () => {
    const before = await settled();
    const writes = await pass(before, began + hour, { diesAt: "StatefulSet" });
    expect(kinds(writes)).toEqual(["Secret"]);
    const next = await pass(updated(before, writes), began + hour + 1000);
    expect(kinds(next)).toEqual(["StatefulSet"]);
  });

  // The Redis operator's have the server's labels, and no logins of ours.
  test("a StatefulSet of another operator holds nothing up", async () => {
    const before = await settled();
    const own = before.find(({ kind }) => kind === "StatefulSet")!;
    const theirs = {
      ...own,
      metadata: {
        ...own.metadata,
        name: "theirs",
        ownerReferences: [{ controller: true, uid: "a-redis-replication" }],
      },
      spec: { replicas: 3, template: {} },
    } as unknown as ApiObject;
    const objects = [...before, theirs];
    const staged = updated(objects, await pass(objects, began + hour));
    expect(kinds(await pass(staged, began + hour + 1000))).toEqual(["Secret", "Deployment"]);
  });
});
