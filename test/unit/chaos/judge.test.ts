// The fault suite's judge: two runs of one story look the same to it, and whatever is wrong does not.
import { describe, expect, test } from "vitest";
import { canonical, differences } from "../../chaos/canonical.ts";
import { statusProblems } from "../../chaos/history.ts";
import type { ManagedObject } from "../../chaos/snapshot.ts";

interface Times {
  namespace: string;
  uid: string;
  version: number;
}

/** A server and its objects as one run has left them. */
function run({ namespace, uid, version }: Times): ManagedObject[] {
  const metadata = (name: string, annotations: Record<string, string> = {}) => ({
    ...{ name, namespace, annotations, uid: `${uid}-${name}`, resourceVersion: String(version), generation: version },
    ownerReferences: [{ kind: "McpServer", name: "basket", uid, controller: true }],
    managedFields: [
      {
        manager: "anypod",
        operation: "Apply",
        time: String(version),
        fieldsV1: { "f:metadata": { [`k:{"uid":"${uid}"}`]: {} } },
      },
      { manager: "kube-controller-manager", operation: "Update", fieldsV1: { [`f:${version}`]: {} } },
    ],
  });
  const hash = { "anypod.dev/config-hash": String(version) };
  return [
    {
      ...{ apiVersion: "anypod.dev/v1alpha1", kind: "McpServer" },
      metadata: { ...metadata("basket"), uid, ownerReferences: [] },
      spec: { image: "basket" },
      status: {
        observedGeneration: version,
        url: `http://basket.${namespace}.svc`,
        conditions: [
          { type: "Ready", status: "True", lastTransitionTime: String(version), observedGeneration: version },
        ],
      },
    },
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: metadata("basket", hash) },
      spec: {
        replicas: version,
        template: { metadata: { annotations: hash }, spec: { containers: [{ image: "basket" }] } },
      },
      status: { replicas: version },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata("basket"),
      spec: { clusterIP: `10.0.0.${version}`, type: "ClusterIP" },
    },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("ring"), data: { key: `${version}` } },
  ];
}

const expected = canonical(run({ namespace: "test-1", uid: "aaaa-1111", version: 3 }));
const other = () => structuredClone(run({ namespace: "test-2", uid: "bbbb-2222", version: 7 }));
const problems = (objects: ManagedObject[]) => differences(expected, canonical(objects));

test("two runs of one story are the same", () => {
  expect(problems(other())).toEqual([]);
});

describe("a difference is seen:", () => {
  const changes: [string, (objects: ManagedObject[]) => ManagedObject[]][] = [
    ["an object that is missing", (objects) => objects.slice(0, -1)],
    [
      "one too many",
      (objects) => [...objects, { ...objects[2]!, metadata: { ...objects[2]!.metadata, name: "extra" } }],
    ],
    [
      "a value of a spec",
      ([server, deployment, ...rest]) => [
        server!,
        { ...deployment!, spec: { ...(deployment!.spec as object), paused: true } },
        ...rest,
      ],
    ],
    [
      "an owner of an earlier life",
      ([server, ...rest]) => [{ ...server!, metadata: { ...server!.metadata, uid: "cccc-3333" } }, ...rest],
    ],
    [
      "a status of an earlier generation",
      ([server, ...rest]) => [{ ...server!, metadata: { ...server!.metadata, generation: 8 } }, ...rest],
    ],
    [
      "a key that is missing in a Secret",
      (objects) => objects.map((object) => (object.kind === "Secret" ? { ...object, data: {} } : object)),
    ],
    [
      "an object on its way out",
      ([server, child, ...rest]) => [
        server!,
        { ...child!, metadata: { ...child!.metadata, deletionTimestamp: "now" } },
        ...rest,
      ],
    ],
    [
      "a label",
      ([server, child, ...rest]) => [
        server!,
        { ...child!, metadata: { ...child!.metadata, labels: { team: "shop" } } },
        ...rest,
      ],
    ],
    [
      "fields that anypod has lost",
      (objects) => objects.map((object) => ({ ...object, metadata: { ...object.metadata, managedFields: [] } })),
    ],
  ];
  test.each(changes)("%s", (_, change) => {
    expect(problems(change(other()))).not.toEqual([]);
  });
});

describe("the laws of conditions", () => {
  const version = (status: "True" | "False", seconds: number, observedGeneration = 1) => ({
    metadata: { namespace: "shop", name: "basket", uid: "u", resourceVersion: "9", generation: 2 },
    status: {
      observedGeneration,
      conditions: [
        { type: "Ready", status, reason: "R", message: "", lastTransitionTime: new Date(seconds * 1000).toISOString() },
      ],
    },
  });

  const withType = (type: string, given: ReturnType<typeof version>) => ({
    ...given,
    status: { ...given.status, conditions: given.status.conditions.map((each) => ({ ...each, type })) },
  });
  const without = (given: ReturnType<typeof version>) => ({ ...given, status: { ...given.status, conditions: [] } });

  test("hold when a condition goes with the spec that asked for it", () => {
    expect(statusProblems(withType("AutoscalingReady", version("True", 1)), without(version("True", 1, 2)))).toEqual(
      [],
    );
  });

  test("hold when a time moves with its status", () => {
    expect(statusProblems(version("False", 1), version("True", 2))).toEqual([]);
    expect(statusProblems(version("True", 1), version("True", 1, 2))).toEqual([]);
  });

  test.each([
    ["a time moved without its status", version("True", 1), version("True", 2), "its time moved"],
    ["a status moved without its time", version("True", 1), version("False", 1), "stood still"],
    ["a time went backwards", version("True", 2), version("False", 1), "backwards"],
    ["a condition has gone", version("True", 1), without(version("True", 1, 2)), "Ready has gone"],
    [
      "one that is asked for has gone",
      withType("AutoscalingReady", version("True", 1)),
      without(version("True", 1)),
      "has gone",
    ],
    ["a generation was observed that isn't yet", version("True", 1), version("True", 1, 3), "isn't yet"],
    ["less was observed than before", version("True", 1, 2), version("True", 1, 1), "less than before"],
  ])("are broken when %s", (_, before, after, problem) => {
    expect(statusProblems(before, after).join()).toContain(problem);
  });
});
