import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { officialImages } from "../../operator/desired/images.ts";
import { desired } from "../../operator/desired/index.ts";
import { desiredHashAnnotation, type KubeObject, keptAnnotation } from "../../operator/desired/object.ts";
import { ringOf } from "../../operator/desired/ring.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import { type Child, observeServer } from "../../operator/reconcile/observed.ts";
import { observePod } from "../../operator/reconcile/observed-pods.ts";
import { plan } from "../../operator/reconcile/plan.ts";
import { mcpServer, serverOf } from "../support/arbitraries.ts";

const uid = "uid-of-the-server";
const world = {
  ring: ringOf([Buffer.alloc(32).toString("base64")], "steady", "2026-01-01T00:00:00.000Z"),
  configHash: "hash",
  deployments: new Set<string>(),
};
const objects = desired(serverOf("basket", { image: "basket", replicas: 2 }, uid), world);

/** FieldsV1 that holds every field of a value, lists as a whole. */
function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [`f:${name}`, fieldsOf(child)]));
}

/** The child that an object becomes when it is applied. */
const applied = (object: KubeObject, change: Partial<Child> = {}): Child => ({
  resourceVersion: "1",
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
  kept: false,
  uid: `uid-of-${object.kind}`,
  server: "basket",
  owner: uid,
  deleting: false,
  desiredHash: object.metadata.annotations?.[desiredHashAnnotation],
  fields: fieldsOf(object),
  ...change,
});
const kinds = (list: { kind: string }[]) => list.map(({ kind }) => kind);
const change = (kind: string, by: Partial<Child>) =>
  objects.map((object) => applied(object, object.kind === kind ? by : {}));
const nothing = { create: [], update: [], remove: [], retire: [], obstacles: [] };

describe("the plan", () => {
  test("is to create everything where there is nothing", () => {
    expect(plan(objects, [], uid)).toEqual({ ...nothing, create: objects });
  });

  test("is nothing where everything is as desired", () => {
    const result = plan(
      objects,
      objects.map((object) => applied(object)),
      uid,
    );
    expect(result).toEqual(nothing);
  });

  test("is to create the one that is missing", () => {
    const there = objects.filter(({ kind }) => kind !== "Service").map((object) => applied(object));
    const result = plan(objects, there, uid);
    expect(kinds(result.create)).toEqual(["Service"]);
    expect({ ...result, create: [] }).toEqual(nothing);
  });

  test.each<[string, Partial<Child>]>([
    ["was made for another spec", { desiredHash: "other" }],
    ["lost its hash", { desiredHash: undefined }],
    ["was never applied by anypod", { fields: undefined }],
    ["lost a field to somebody", { fields: { "f:metadata": {} } }],
  ])("is to update the object that %s, and to leave the others", (_, by) => {
    const result = plan(objects, change("Deployment", by), uid);
    expect(result.update.map(({ object, child }) => [object.kind, child.uid])).toEqual([
      ["Deployment", "uid-of-Deployment"],
    ]);
    expect({ ...result, update: [] }).toEqual(nothing);
  });

  test("leaves fields alone that others added", () => {
    const service = objects.find(({ kind }) => kind === "Service")!;
    const more = { ...fieldsOf(service), "f:status": {} };
    expect(plan(objects, change("Service", { fields: more }), uid)).toEqual(nothing);
  });

  test("is to remove what the spec no longer asks for", () => {
    const old = applied(objects[0]!, { kind: "HorizontalPodAutoscaler", name: "basket" });
    expect(plan(objects, [...objects.map((object) => applied(object)), old], uid)).toEqual({
      ...nothing,
      remove: [old],
    });
  });

  describe("between autoscalers of anypod's own and of KEDA's", () => {
    const [some] = objects;
    const own = (kind: string) => applied({ ...some!, kind, metadata: { ...some!.metadata, name: "basket" } });
    const hpa = own("HorizontalPodAutoscaler");
    const asked = (kind: string) => [...objects, { ...some!, kind, metadata: { ...some!.metadata, name: "basket" } }];
    const there = objects.map((object) => applied(object));
    const autoscaler = { byKeda: true, paused: false, works: undefined };

    test("leaves its own for KEDA to take over", () => {
      const result = plan(asked("ScaledObject"), [...there, hpa], uid);
      expect(kinds(result.create)).toEqual(["ScaledObject"]);
      expect({ ...result, create: [] }).toEqual(nothing);
    });

    test("leaves KEDA's alone", () => {
      const taken = { ...hpa, owner: "uid-of-ScaledObject", autoscaler };
      expect(plan(asked("ScaledObject"), [...there, own("ScaledObject"), taken], uid)).toEqual(nothing);
    });

    test("takes the ScaledObject away, and waits until KEDA's has gone with it", () => {
      const taken = { ...hpa, owner: "uid-of-ScaledObject", autoscaler };
      const result = plan(asked("HorizontalPodAutoscaler"), [...there, own("ScaledObject"), taken], uid);
      expect(kinds(result.remove)).toEqual(["ScaledObject"]);
      expect({ ...result, remove: [] }).toEqual(nothing);
      expect(kinds(plan(asked("HorizontalPodAutoscaler"), there, uid).create)).toEqual(["HorizontalPodAutoscaler"]);
    });

    test("takes its own away when nobody is to count", () => {
      expect(kinds(plan(objects, [...there, hpa, own("ScaledObject")], uid).remove).sort()).toEqual([
        "HorizontalPodAutoscaler",
        "ScaledObject",
      ]);
    });
  });

  test("tells objects of one name and different kinds apart", () => {
    const result = plan(
      objects,
      objects.map((object) => applied(object)).filter(({ kind }) => kind !== "Deployment"),
      uid,
    );
    expect(kinds(result.create)).toEqual(["Deployment"]);
  });

  test("never touches an object of the name that nobody owns, and says so", () => {
    const result = plan(objects, change("Service", { owner: undefined, desiredHash: undefined }), uid);
    expect(result).toEqual({
      ...nothing,
      obstacles: [{ kind: "Service", name: "basket", why: "foreign", message: "" }],
    });
  });

  test("waits for an object of an earlier server of the name to go", () => {
    const result = plan(objects, change("Service", { owner: "uid-of-an-earlier-one" }), uid);
    expect(result).toEqual({
      ...nothing,
      obstacles: [{ kind: "Service", name: "basket", why: "leaving", message: "" }],
    });
  });

  test("waits for an object of its own that is being deleted to be gone", () => {
    const result = plan(objects, change("Service", { deleting: true }), uid);
    expect(result).toEqual({
      ...nothing,
      obstacles: [{ kind: "Service", name: "basket", why: "leaving", message: "" }],
    });
  });

  test.each<[string, Partial<Child>]>([
    ["nobody owns", { owner: undefined }],
    ["another server owns", { owner: "somebody-else" }],
    ["is going already", { deleting: true }],
  ])("never removes what %s", (_, by) => {
    const old = applied(objects[0]!, { name: "old", ...by });
    expect(plan([], [old], uid)).toEqual(nothing);
  });

  test("of any server is to create all at first, and nothing more once that is there", () => {
    fc.assert(
      fc.property(mcpServer, ({ metadata, spec }) => {
        const all = desired({ metadata: { ...metadata, uid }, spec }, world);
        const there = all.map((object) => applied(object));
        expect(plan(all, [], uid).create).toHaveLength(all.length);
        expect(plan(all, there, uid)).toEqual(nothing);
        expect(plan([], there, uid).remove).toHaveLength(all.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the plan for stores of tasks", () => {
  const stored = (taskStore: SpecInput["taskStore"]) => {
    const server = serverOf("basket", { image: "basket", ...(taskStore && { taskStore }) }, uid);
    const store = {
      owner: { metadata: server.metadata, taskStore: server.spec.taskStore! },
      logins: world.ring,
      images: officialImages,
    };
    return desired(server, { ...world, ...(taskStore && { store }) });
  };
  const managed = stored({ redis: { managed: {} } });
  const cluster = stored({ postgresql: { cloudNativePg: {} } });
  const replication = (retain: boolean) => stored({ redis: { replication: { retain } } });
  const without = stored(undefined);
  /** As the API server holds it: what is kept has no owner. */
  const held = (list: KubeObject[]) =>
    list.map((object) => {
      const isKept = object.metadata.annotations?.[keptAnnotation] !== undefined;
      return applied(object, {
        kept: isKept,
        owner: isKept ? undefined : uid,
        ...(object.kind === "StatefulSet" && { idle: false }),
      });
    });
  const ofStore = (list: { kind: string }[]) =>
    list.filter(({ kind }) =>
      ["StatefulSet", "Cluster", "RedisReplication", "RedisSentinel", "ConfigMap"].includes(kind),
    );

  test("that are no longer asked for is to take pods away from a StatefulSet, and to remove none", () => {
    const { retire, remove } = plan(without, held(managed), uid);
    expect(kinds(retire)).toEqual(["StatefulSet"]);
    expect(kinds(remove).sort()).toEqual(["NetworkPolicy", "Secret", "Service"]);
  });

  test("is nothing for a StatefulSet that has none any more", () => {
    const idle = held(managed).map((child) => (child.kind === "StatefulSet" ? { ...child, idle: true } : child));
    expect(plan(without, idle, uid).retire).toEqual([]);
    expect(
      plan(
        managed,
        idle.map((child) => ({ ...child, desiredHash: "" })),
        uid,
      ).update.map(({ object }) => object.kind),
    ).toContain("StatefulSet");
  });

  test.each([true, false])("never removes a RedisReplication, nor what it can't do without (retain: %s)", (retain) => {
    const { remove, retire } = plan(without, held(replication(retain)), uid);
    expect(ofStore(remove)).toEqual([]);
    expect(kinds(remove)).not.toContain("Secret");
    expect(retire).toEqual([]);
  });

  test("removes what a RedisReplication needed once somebody has deleted that", () => {
    const left = held(replication(false)).filter(({ kind }) => kind !== "RedisReplication");
    expect(kinds(plan(without, left, uid).remove).sort()).toEqual(["ConfigMap", "RedisSentinel", "Secret"]);
  });

  test.each([
    ["Cluster", cluster],
    ["RedisReplication", replication(true)],
  ])("takes over a %s that was kept from an earlier server, and writes nothing when it is as desired", (_, list) => {
    const kept = held(list).filter(({ kept: isKept }) => isKept);
    expect(kept.length).toBeGreaterThan(0);
    const { create, update, obstacles } = plan(list, kept, "uid-of-another");
    expect(update).toEqual([]);
    expect(obstacles).toEqual([]);
    expect(create).toHaveLength(list.length - kept.length);
    expect(plan(without, kept, "uid-of-another")).toMatchObject({ remove: [], retire: [] });
  });

  test("heals what is kept as it heals all else", () => {
    const kept = held(cluster).map((child) => (child.kept ? { ...child, fields: { "f:metadata": {} } } : child));
    expect(plan(cluster, kept, uid).update).toMatchObject([{ object: { kind: "Cluster" }, drifted: true }]);
  });

  test("leaves a Cluster alone that has neither an owner nor the word that it is kept", () => {
    const foreign = held(cluster).map((child) => ({ ...child, kept: false }));
    expect(plan(cluster, foreign, uid).obstacles).toMatchObject([{ kind: "Cluster", why: "foreign" }]);
  });
});

describe("an observed server", () => {
  const object = (spec: unknown): ApiObject =>
    ({
      apiVersion: "anypod.dev/v1alpha1",
      kind: "McpServer",
      metadata: { name: "a", namespace: "b", uid, resourceVersion: "1", generation: 3 },
      spec,
    }) as ApiObject;

  test("has its spec with defaults, and what it refers to", () => {
    const observed = observeServer(object({ image: "basket", envFrom: [{ secretRef: { name: "s" } }] }));
    expect(observed).toMatchObject({ spec: { port: 8080 }, problems: [], status: {}, metadata: { generation: 3 } });
    expect(observed.references.map(({ name }) => name)).toContain("s");
  });

  test("that an older schema let in has problems instead of a spec", () => {
    const observed = observeServer(object({ image: "basket", gone: 1 }));
    expect(observed.spec).toBeUndefined();
    expect(observed.problems).toMatchObject([{ field: "gone" }]);
  });

  test("is never a reason to throw, whatever its template holds: a throw would stop the watch of all servers", () => {
    const nonsense = fc.jsonValue({ maxDepth: 3 });
    const lists = fc.constantFrom("env", "envFrom", "volumeMounts", "ports");
    const podFields = fc.constantFrom("imagePullSecrets", "volumes", "initContainers", "topologySpreadConstraints");
    fc.assert(
      fc.property(
        fc.dictionary(lists, nonsense),
        fc.dictionary(podFields, nonsense),
        nonsense,
        (container, pod, anything) => {
          const template = {
            spec: {
              ...pod,
              containers: [
                { name: "server", ...container },
                { name: "other", ...container },
              ],
            },
          };
          expect(() =>
            observeServer(object({ image: "basket", template, pools: [{ name: "p", template }] })),
          ).not.toThrow();
          expect(() => observeServer(object(anything))).not.toThrow();
          expect(() => observeServer(object({ image: "basket", template: anything }))).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("an observed pod", () => {
  const pod = (status: object, meta: object = {}): ApiObject =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "p",
        namespace: "shop",
        uid: "u",
        resourceVersion: "1",
        labels: { "anypod.dev/server": "basket", "anypod.dev/pool": "main" },
        ...meta,
      },
      status,
    }) as ApiObject;
  const waiting = (reason: string, more: object = {}) => ({
    name: "server",
    state: { waiting: { reason, message: "why" } },
    ...more,
  });

  test.each<[string, object, object | undefined]>([
    ["that runs is no problem", { containerStatuses: [{ name: "server", state: { running: {} } }] }, undefined],
    ["that starts is no problem", { containerStatuses: [waiting("ContainerCreating")] }, undefined],
    ["that nobody looked at yet is no problem", {}, undefined],
    [
      "without its image is one",
      { containerStatuses: [waiting("ImagePullBackOff")] },
      { container: "server", reason: "ImagePullBackOff", message: "why" },
    ],
    [
      "that crashes is one, with its exit code",
      { containerStatuses: [waiting("CrashLoopBackOff", { lastState: { terminated: { exitCode: 3 } } })] },
      { reason: "CrashLoopBackOff", exitCode: 3 },
    ],
    [
      "that fits on no node is one",
      { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" }] },
      { container: "", reason: "Unschedulable", message: "0/3 nodes" },
    ],
    [
      "whose init container fails is one",
      { initContainerStatuses: [waiting("CrashLoopBackOff")], containerStatuses: [waiting("PodInitializing")] },
      { reason: "CrashLoopBackOff" },
    ],
  ])("%s", (_, status, problem) => {
    const observed = observePod(pod(status));
    if (problem) expect(observed).toMatchObject({ ...problem, pod: "p", pool: "main", server: "basket" });
    else expect(observed).toBeUndefined();
  });

  test("that is going, or isn't anypod's, is no problem", () => {
    const status = { containerStatuses: [waiting("ImagePullBackOff")] };
    expect(observePod(pod(status, { deletionTimestamp: "2026-01-01T00:00:00Z" }))).toBeUndefined();
    expect(observePod(pod(status, { labels: {} }))).toBeUndefined();
  });
});
