// What is kept of the objects that stores of tasks are made of, and of Secrets and ConfigMaps.
import { describe, expect, test } from "vitest";
import { keptAnnotation } from "../../operator/desired/object.ts";
import { loginsHashAnnotation } from "../../operator/desired/task-store/managed.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import { createStore } from "../../operator/kube/store.ts";
import { observeChild, observeConfig } from "../../operator/reconcile/observed.ts";

const labels = { "anypod.dev/server": "basket", "app.kubernetes.io/managed-by": "anypod" };
const object = (kind: string, rest: object, metadata: object = {}): ApiObject =>
  ({
    kind,
    metadata: { namespace: "shop", name: "x", uid: "u", resourceVersion: "1", generation: 2, labels, ...metadata },
    ...rest,
  }) as unknown as ApiObject;

test("a Secret or ConfigMap that is there in another version counts as changed: what it holds isn't known", () => {
  const told: string[] = [];
  const store = createStore({
    project: (each) => observeConfig("Secret", each),
    changed: (_, after) => told.push(after?.resourceVersion ?? "gone"),
  });
  for (const resourceVersion of ["1", "1", "2"]) store.set(object("Secret", {}, { labels: {}, resourceVersion }));
  expect(told).toEqual(["1", "2"]);
});

describe("a StatefulSet", () => {
  const spec = { replicas: 1, template: { metadata: { annotations: { [loginsHashAnnotation]: "logins" } } } };
  const status = { observedGeneration: 2, readyReplicas: 1, currentRevision: "a", updateRevision: "a" };
  const seen = (changedSpec: object, changedStatus: object) =>
    observeChild(
      "StatefulSet",
      object("StatefulSet", { spec: { ...spec, ...changedSpec }, status: { ...status, ...changedStatus } }),
    );

  test.each<[string, object, object, object]>([
    ["that runs is ready and settled", {}, {}, { ready: true, settled: true, loginsHash: "logins" }],
    ["without a ready pod isn't ready", {}, { readyReplicas: 0 }, { ready: false, settled: true }],
    [
      "whose controller hasn't seen the spec isn't settled",
      {},
      { observedGeneration: 1 },
      { ready: true, settled: false },
    ],
    ["whose pod is still the old one isn't settled", {}, { updateRevision: "b" }, { ready: true, settled: false }],
  ])("%s", (_, changedSpec, changedStatus, store) => {
    expect(seen(changedSpec, changedStatus)).toMatchObject({ idle: false, store });
  });

  test("with no pods is idle", () => {
    expect(seen({ replicas: 0 }, {})?.idle).toBe(true);
  });
});

describe("a Cluster", () => {
  const primary = { readyInstances: 1, currentPrimary: "a", targetPrimary: "a" };

  test.each<[string, object | undefined, object]>([
    [
      "takes calls as long as its primary does, however many others there are",
      { ...primary, phase: "Creating a new replica" },
      { ready: true, said: "Creating a new replica" },
    ],
    [
      "that fails over doesn't",
      { ...primary, targetPrimary: "b", phase: "Failing over", phaseReason: "a is gone" },
      { ready: false, said: "Failing over: a is gone" },
    ],
    ["without an instance that is ready doesn't", { ...primary, readyInstances: 0 }, { ready: false }],
    ["that nobody has looked at doesn't", undefined, { ready: false, said: "" }],
  ])("%s", (_, status, store) => {
    expect(observeChild("Cluster", object("Cluster", { spec: {}, ...(status && { status }) }))).toMatchObject({
      store,
    });
  });
});

test.each([
  ["has a primary", { masterNode: "x-0" }, true],
  ["has none", { masterNode: "" }, false],
  ["hasn't been looked at", undefined, false],
])("a RedisReplication that %s", (_, status, ready) => {
  const seen = observeChild("RedisReplication", object("RedisReplication", { spec: {}, ...(status && { status }) }));
  expect(seen?.store?.ready).toBe(ready);
});

test("what outlives its server has no owner and says that it is kept", () => {
  const annotations = { [keptAnnotation]: "true" };
  expect(observeChild("Cluster", object("Cluster", { spec: {} }, { annotations }))).toMatchObject({
    kept: true,
    owner: undefined,
  });
  expect(observeChild("Cluster", object("Cluster", { spec: {} }))?.kept).toBe(false);
});
