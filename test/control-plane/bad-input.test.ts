// Bad input, where the user looks: the answer to `kubectl apply`, or the server's conditions. Other servers go on.
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { apiVersion, kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { operatorRequests } from "../support/audit.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { badSpecs } from "../support/manifests.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator;

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig);
});
afterAll(() => operator.stop());

/** What `kubectl apply` says to a manifest that it can't take. */
function refusal(spec: unknown, name = "bad"): string {
  const manifest = { apiVersion, kind, metadata: { name, namespace: kube.namespace }, spec };
  try {
    execFileSync(inject("kubectl"), ["--kubeconfig", kubeconfig, "apply", "-f", "-"], {
      input: JSON.stringify(manifest),
      stdio: ["pipe", "pipe", "pipe"],
      encoding: "utf8",
    });
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
  throw new Error(`this was accepted: ${JSON.stringify(spec)}`);
}

describe("kubectl apply refuses", () => {
  test.each(badSpecs)("%s", (_, spec, message) => {
    expect(refusal(spec)).toMatch(message);
  });

  test("a name that can't be a Service's", () => {
    expect(refusal({ image }, "9basket")).toMatch(/beginning with a letter/);
    expect(refusal({ image }, "a".repeat(64))).toMatch(/at most 63/);
  });
});

describe("conditions say", () => {
  const stalled = (name: string, reason: string) => kube.condition(name, "Stalled", { status: "True", reason });

  test("that a Deployment of the name is somebody else's, which is left alone until it is gone", async () => {
    const labels = { app: "theirs" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "a", image: "theirs" }] } };
    await kube.client.json({
      method: "POST",
      path: `/apis/apps/v1/namespaces/${kube.namespace}/deployments`,
      body: { metadata: { name: "foreign" }, spec: { replicas: 0, selector: { matchLabels: labels }, template } },
    });
    await kube.applyServer("foreign", { image });
    const { message } = await stalled("foreign", "NotOwned");
    expect(message).toMatch(/Deployment foreign is there already.*delete or rename it, or rename this server/);
    expect((await kube.get("Deployment", "foreign"))?.spec.template.spec.containers[0].image).toBe("theirs");
    expect((await kube.get("Deployment", "foreign"))?.metadata.ownerReferences).toBeUndefined();
    await kube.remove("Deployment", "foreign");
    await kube.condition("foreign", "Stalled", { status: "False" }, 60);
    await eventually("it is ours now", async () => (await kube.get("Deployment", "foreign"))?.metadata.ownerReferences);
  });

  test("which Secret or ConfigMap is missing, and go on when it is there", async () => {
    await kube.applyServer("missing", { image, imagePullSecrets: [{ name: "registry" }] });
    const pull = await kube.condition("missing", "Ready", { status: "False", reason: "SecretNotFound" });
    expect(pull.message).toMatch(/Secret registry isn't in namespace .*imagePullSecrets.*create it/);
    await kube.applyServer("missing", { image, envFrom: [{ configMapRef: { name: "settings" } }] });
    const config = await kube.condition("missing", "Ready", { status: "False", reason: "ConfigMapNotFound" });
    expect(config.message).toMatch(/ConfigMap settings isn't in namespace/);
    await kube.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${kube.namespace}/configmaps`,
      body: { metadata: { name: "settings" }, data: {} },
    });
    await kube.condition("missing", "Ready", { status: "False", reason: "RollingOut" });
  });

  test("what the API server refuses of a template", async () => {
    await kube.applyServer("template", { image, template: { spec: { restartPolicy: "Sometimes" } } });
    const { message } = await stalled("template", "Rejected");
    expect(message).toMatch(/refuses Deployment template:.*restartPolicy/);
    await kube.applyServer("template", { image, template: { spec: { nosuchfield: 1 } } });
    expect((await stalled("template", "Rejected")).message).toMatch(/nosuchfield/);
    await kube.applyServer("template", { image });
    await kube.condition("template", "Stalled", { status: "False" });
  });
});

test("in a namespace that is being deleted nothing is made again, and other servers go on", async () => {
  const doomed = await testKube(kubeconfig);
  const configMaps = `/api/v1/namespaces/${doomed.namespace}/configmaps`;
  const finalizers = ["example.com/keeps-the-namespace"];
  await doomed.client.json({ method: "POST", path: configMaps, body: { metadata: { name: "kept", finalizers } } });
  await doomed.applyServer("doomed", { image });
  await doomed.condition("doomed", "Reconciling", { status: "True" });
  await doomed.client.json({ method: "DELETE", path: `/api/v1/namespaces/${doomed.namespace}` });
  await eventually("the server and its objects are gone", async () => {
    const left = [await doomed.get("McpServer", "doomed"), ...(await doomed.childrenOf("doomed"))];
    return left.every((object) => object === undefined);
  });
  await kube.applyServer("meanwhile", { image });
  await eventually("another server goes on", () => kube.get("Deployment", "meanwhile"));
  const refused = operatorRequests(inject("auditLog"), doomed.namespace).filter(({ code }) => code === 403);
  // Each deletion that is seen before the server's may bring a try for what is missing by then; no try brings another.
  expect(refused.length).toBeLessThanOrEqual(6 + 5 + 4 + 3 + 2 + 1);
  await doomed.client.json({
    method: "PATCH",
    path: `${configMaps}/kept`,
    contentType: "application/merge-patch+json",
    body: { metadata: { finalizers: null } },
  });
});

test("a bad server slows no other", async () => {
  const bad: SpecInput = { image, template: { spec: { restartPolicy: "Sometimes" } } };
  await kube.applyServer("slowed-bad", bad);
  for (const name of ["slowed-a", "slowed-b", "slowed-c"]) await kube.applyServer(name, { image });
  for (const name of ["slowed-a", "slowed-b", "slowed-c"]) {
    await eventually(`${name} has its Deployment`, () => kube.get("Deployment", name), 5);
  }
});
