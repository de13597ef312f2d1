// FieldsV1 as an API server writes them (Kubernetes 1.35), against the objects that were applied.
import { describe, expect, test } from "vitest";
import { appliedFields, covers, ownsAll } from "../../../operator/kube/ownership.ts";

type Fields = Record<string, unknown>;

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: "basket",
    namespace: "shop",
    labels: { "app.kubernetes.io/name": "basket", "anypod.dev/server": "basket" },
    annotations: { "anypod.dev/desired-hash": "0123456789abcdef" },
    ownerReferences: [
      {
        apiVersion: "anypod.dev/v1alpha1",
        kind: "McpServer",
        name: "basket",
        uid: "u-1",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    type: "ClusterIP",
    sessionAffinity: "None",
    selector: { "anypod.dev/server": "basket" },
    ports: [{ name: "mcp", port: 80, targetPort: "mcp", appProtocol: "http" }],
  },
};
const serviceFields = (): Fields => ({
  "f:metadata": {
    "f:annotations": { "f:anypod.dev/desired-hash": {} },
    "f:labels": { "f:app.kubernetes.io/name": {}, "f:anypod.dev/server": {} },
    "f:ownerReferences": { 'k:{"uid":"u-1"}': {} },
  },
  "f:spec": {
    // The server defaulted the protocol, which is part of a port's key.
    "f:ports": {
      'k:{"port":80,"protocol":"TCP"}': {
        ".": {},
        "f:appProtocol": {},
        "f:name": {},
        "f:port": {},
        "f:targetPort": {},
      },
    },
    "f:selector": {},
    "f:sessionAffinity": {},
    "f:type": {},
  },
});

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "basket", namespace: "shop", labels: { a: "b" } },
  spec: {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
    selector: { matchLabels: { a: "b" } },
    template: {
      metadata: { labels: { a: "b" } },
      spec: {
        containers: [
          {
            name: "server",
            image: "basket",
            args: ["--x", "--y"],
            env: [
              { name: "A", value: "1" },
              { name: "B", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
            ],
            ports: [{ name: "mcp", containerPort: 8080, protocol: "TCP" }],
            securityContext: { capabilities: { drop: ["ALL"] } },
            volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
          },
        ],
        topologySpreadConstraints: [
          {
            topologyKey: "zone",
            whenUnsatisfiable: "ScheduleAnyway",
            maxSkew: 1,
            labelSelector: { matchLabels: { a: "b" } },
          },
        ],
        volumes: [{ name: "tmp", emptyDir: {} }],
      },
    },
  },
};
const deploymentFields = (): Fields => ({
  "f:metadata": { "f:labels": { "f:a": {} } },
  "f:spec": {
    "f:selector": {},
    "f:strategy": { "f:rollingUpdate": { "f:maxSurge": {}, "f:maxUnavailable": {} }, "f:type": {} },
    "f:template": {
      "f:metadata": { "f:labels": { "f:a": {} } },
      "f:spec": {
        "f:containers": {
          'k:{"name":"server"}': {
            ".": {},
            "f:args": {},
            "f:env": {
              'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} },
              'k:{"name":"B"}': { ".": {}, "f:name": {}, "f:valueFrom": { "f:secretKeyRef": {} } },
            },
            "f:image": {},
            "f:name": {},
            "f:ports": {
              'k:{"containerPort":8080,"protocol":"TCP"}': {
                ".": {},
                "f:containerPort": {},
                "f:name": {},
                "f:protocol": {},
              },
            },
            "f:securityContext": { "f:capabilities": { "f:drop": {} } },
            "f:volumeMounts": { 'k:{"mountPath":"/tmp"}': { ".": {}, "f:mountPath": {}, "f:name": {} } },
          },
        },
        "f:topologySpreadConstraints": {
          'k:{"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}': {
            ".": {},
            "f:labelSelector": {},
            "f:maxSkew": {},
            "f:topologyKey": {},
            "f:whenUnsatisfiable": {},
          },
        },
        "f:volumes": { 'k:{"name":"tmp"}': { ".": {}, "f:emptyDir": {}, "f:name": {} } },
      },
    },
  },
});

/** The fields without the one at the path; like the API server, it leaves no parent behind that has nothing left in it. */
function without(fields: Fields, ...path: string[]): Fields {
  const [first = "", ...rest] = path;
  const { [first]: inner, ...others } = fields;
  expect(inner, `no ${first}`).toBeDefined();
  if (rest.length === 0) return others;
  const left = without(inner as Fields, ...rest);
  return Object.keys(left).length === 0 ? others : { ...others, [first]: left };
}

const container = ["f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"server"}'];

describe("all fields of an object are owned", () => {
  test("when the manager's entry holds them, keys that the server defaulted included", () => {
    expect(ownsAll(serviceFields(), service)).toBe(true);
    expect(ownsAll(deploymentFields(), deployment)).toBe(true);
  });

  test("when the entry holds more, of fields that are no longer desired", () => {
    const { sessionAffinity: _, ...spec } = service.spec;
    expect(ownsAll(serviceFields(), { ...service, spec } as typeof service)).toBe(true);
  });

  test("whatever name, namespace, kind and version are: no manager owns those", () => {
    const object = { kind: "A", apiVersion: "v1", metadata: { name: "a", namespace: "b", labels: { c: "d" } } };
    expect(ownsAll({ "f:metadata": { "f:labels": { "f:c": {} } } }, object)).toBe(true);
  });

  test("below an atomic list or map that is owned as a whole", () => {
    expect(covers({ "f:args": {} }, { args: ["a", "b"] })).toBe(true);
    expect(covers({ "f:selector": {} }, { selector: { a: "b" } })).toBe(true);
  });

  test("of a set, value by value", () => {
    expect(covers({ "f:finalizers": { 'v:"a"': {}, 'v:"b"': {} } }, { finalizers: ["b", "a"] })).toBe(true);
    expect(covers({ "f:ports": { "v:80": {} } }, { ports: [80] })).toBe(true);
  });

  test("when what is undefined is left out", () => {
    expect(covers({ "f:a": {} }, { a: 1, b: undefined })).toBe(true);
  });
});

describe("a field was stolen", () => {
  test.each<[string, Fields, { metadata: object }]>([
    ["when somebody changed a value", without(serviceFields(), "f:spec", "f:type"), service],
    [
      "when somebody removed a label",
      without(serviceFields(), "f:metadata", "f:labels", "f:anypod.dev/server"),
      service,
    ],
    [
      "when somebody changed an annotation",
      without(serviceFields(), "f:metadata", "f:annotations", "f:anypod.dev/desired-hash"),
      service,
    ],
    ["when somebody took all labels", without(serviceFields(), "f:metadata", "f:labels"), service],
    [
      "when somebody changed a port's field",
      without(serviceFields(), "f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort"),
      service,
    ],
    ["when somebody took an atomic map", without(serviceFields(), "f:spec", "f:selector"), service],
    ["when somebody changed the image", without(deploymentFields(), ...container, "f:image"), deployment],
    ["when somebody changed an atomic list", without(deploymentFields(), ...container, "f:args"), deployment],
    [
      "when somebody changed one variable",
      without(deploymentFields(), ...container, "f:env", 'k:{"name":"A"}', "f:value"),
      deployment,
    ],
    [
      "when somebody removed one variable",
      without(deploymentFields(), ...container, "f:env", 'k:{"name":"B"}'),
      deployment,
    ],
    [
      "when somebody changed a deep field",
      without(deploymentFields(), "f:spec", "f:strategy", "f:rollingUpdate", "f:maxUnavailable"),
      deployment,
    ],
    [
      "when somebody removed a mount",
      without(deploymentFields(), ...container, "f:volumeMounts", 'k:{"mountPath":"/tmp"}', "f:name"),
      deployment,
    ],
  ])("%s", (_, fields, object) => {
    expect(ownsAll(fields, object)).toBe(false);
  });

  test("when a list has a new item", () => {
    expect(covers({ "f:finalizers": { 'v:"a"': {} } }, { finalizers: ["a", "b"] })).toBe(false);
    expect(
      covers({ "f:env": { 'k:{"name":"A"}': { ".": {}, "f:name": {} } } }, { env: [{ name: "A" }, { name: "B" }] }),
    ).toBe(false);
  });

  test("when nothing but the list or the map itself is left", () => {
    expect(covers({ "f:env": { ".": {} } }, { env: [{ name: "A", value: "1" }] })).toBe(false);
    expect(covers({ "f:labels": { ".": {} } }, { labels: { a: "b" } })).toBe(false);
    expect(covers({}, { env: [{ name: "A" }] })).toBe(true);
    expect(covers({ "f:other": {} }, { env: [{ name: "A" }] })).toBe(false);
  });

  test("when two ports share a number and one of them was taken", () => {
    const tcp = { ".": {}, "f:containerPort": {}, "f:name": {}, "f:protocol": {} };
    const both = [
      { name: "a", containerPort: 53, protocol: "TCP" },
      { name: "b", containerPort: 53, protocol: "UDP" },
    ];
    expect(covers({ "f:ports": { 'k:{"containerPort":53,"protocol":"TCP"}': tcp } }, { ports: both })).toBe(false);
  });
});

describe("the applied fields", () => {
  const fieldsV1 = { "f:spec": {}, "f:metadata": { "f:labels": {}, "f:ownerReferences": { 'k:{"uid":"u-1"}': {} } } };
  test("are those of the manager's own apply to the object itself, but for the owner", () => {
    expect(
      appliedFields(
        [
          { manager: "anypod", operation: "Update", fieldsV1: { "f:x": {} } },
          { manager: "anypod", operation: "Apply", subresource: "status", fieldsV1: { "f:status": {} } },
          { manager: "kubectl", operation: "Apply", fieldsV1: { "f:y": {} } },
          { manager: "anypod", operation: "Apply", fieldsV1 },
        ],
        "anypod",
      ),
    ).toEqual({ "f:spec": {}, "f:metadata": { "f:labels": {} } });
  });

  test("are unknown when the manager never applied it", () => {
    expect(appliedFields([{ manager: "anypod", operation: "Update", fieldsV1 }], "anypod")).toBeUndefined();
    expect(appliedFields(undefined, "anypod")).toBeUndefined();
  });
});
