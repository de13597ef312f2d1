// A definition that is newer than the operator, as it is on the way of an upgrade and after a rollback of the operator alone.
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { crd } from "../../operator/api/crd.ts";
import { apiVersion, kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { mcpServers } from "../../operator/reconcile/kinds.ts";
import { type AnyObject, installCrd, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const other = "registry.example.com/basket-mcp:1.5.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator | undefined;

const imageOf = async (server: string) =>
  (await kube.get("Deployment", server))?.spec.template.spec.containers[0].image as string | undefined;

/** The definition with a field that the operator doesn't know. */
async function installLaterCrd(): Promise<void> {
  const later = structuredClone(crd()) as AnyObject;
  later.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.later = { type: "string" };
  await kube.client.json({
    method: "PATCH",
    path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${later.metadata.name}`,
    query: { fieldManager: "user", force: true },
    contentType: "application/apply-patch+yaml",
    body: later,
  });
  // For a moment, the API server takes such servers and drops the field.
  await eventually("the field is taken", async () => {
    const body = { apiVersion, kind, metadata: { name: "tried" }, spec: { image, later: "x" } };
    const query = { dryRun: "All", fieldValidation: "Strict" };
    const path = collectionPath(mcpServers, kube.namespace);
    const taken = await kube.client.json<{ spec: object }>({ method: "POST", path, query, body });
    return "later" in taken.spec;
  });
}

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  await installLaterCrd();
  // A watch from before the definition would be told of servers without the field for a while.
  operator = await startOperator(inject("operator").kubeconfig);
});
afterAll(async () => {
  await operator?.stop();
  await installCrd(kubeconfig);
});

test("a server without the field is looked after as ever", async () => {
  await kube.applyServer("level", { image });
  await eventually("it is made", () => kube.get("Deployment", "level"));
  await kube.applyServer("level", { image: other });
  await eventually("it is changed", async () => (await imageOf("level")) === other);
});

test("a server with the field is left as it is, and says so, until the field is taken out", async () => {
  await kube.applyServer("ahead", { image });
  await eventually("it is made", () => kube.get("Deployment", "ahead"));
  await kube.applyServer("ahead", { image: other, later: "x" } as SpecInput);
  const { message } = await kube.condition("ahead", "Stalled", { status: "True", reason: "InvalidSpec" });
  expect(message).toContain("spec.later");
  expect(await imageOf("ahead")).toBe(image);

  await kube.applyServer("ahead", { image: other });
  await kube.condition("ahead", "Stalled", { status: "False" });
  await eventually("the rest of the spec is followed", async () => (await imageOf("ahead")) === other);
});
