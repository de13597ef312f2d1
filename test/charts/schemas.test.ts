// The schemas that manifests are held against find what the API server would refuse.
import { expect, test } from "vitest";
import { problemsOf } from "./support.ts";

const object = (apiVersion: string, kind: string, rest: object) =>
  JSON.stringify({ apiVersion, kind, metadata: { name: "x" }, ...rest });

test.each([
  ["a field that there isn't", object("v1", "Service", { spec: { ports: [{ port: 1, targtPort: 2 }] } }), "targtPort"],
  ["a field of another type", object("v1", "Service", { spec: { ports: [{ port: "1" }] } }), "/spec/ports/0/port"],
  ["a list that isn't one", object("rbac.authorization.k8s.io/v1", "Role", { rules: {} }), "/rules"],
  ["metadata that there isn't", object("v1", "ServiceAccount", { metadata: { name: "x", label: {} } }), "label"],
  [
    "a missing field",
    object("policy/v1", "PodDisruptionBudget", { spec: { selector: { matchExpressions: [{}] } } }),
    "key",
  ],
  ["a field of no McpServer", object("anypod.dev/v1alpha1", "McpServer", { spec: { image: "x", prot: 1 } }), "prot"],
  [
    "metadata of a custom kind",
    object("anypod.dev/v1alpha1", "McpServer", { metadata: { nme: "x" }, spec: {} }),
    "nme",
  ],
  [
    "a ServiceMonitor's typo",
    object("monitoring.coreos.com/v1", "ServiceMonitor", { spec: { endpoint: [] } }),
    "endpoint",
  ],
  ["a kind that there isn't", object("v1", "Serivce", {}), "could not find schema"],
])("they find %s", async (_, manifest, problem) => {
  expect(await problemsOf(manifest)).toContain(problem);
});

test("they take a port's name, a percentage and a template's own fields", async () => {
  const spec = { selector: { app: "x" }, ports: [{ port: 1, targetPort: "http" }] };
  const template = { spec: { anything: { below: 1 } } };
  const manifests = [
    object("v1", "Service", { spec }),
    object("policy/v1", "PodDisruptionBudget", { spec: { maxUnavailable: "50%" } }),
    object("anypod.dev/v1alpha1", "McpServer", { spec: { image: "x", template } }),
  ];
  expect(await problemsOf(manifests.join("\n---\n"))).toBe("");
});
