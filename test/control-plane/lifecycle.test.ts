// A server's objects from its creation to its end, on a real API server.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Status } from "../../operator/api/mcpserver.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually, untilQuiet } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator;

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig);
});
afterAll(() => operator.stop());

/** Applies a server and waits until its objects are there and its status has been written for this spec. */
async function settle(name: string, spec: Parameters<TestKube["applyServer"]>[1]): Promise<Status> {
  await kube.applyServer(name, spec);
  return settled(name);
}
const settled = (name: string) =>
  eventually(`${name} is observed`, async () => {
    const { status, metadata } = await kube.server(name);
    return status?.observedGeneration === metadata.generation && status;
  });

const kindsOf = (objects: AnyObject[]) => objects.map(({ kind }) => kind).sort();
const everything = [
  "Deployment",
  "HorizontalPodAutoscaler",
  "PodDisruptionBudget",
  "Secret",
  "Service",
  "ServiceAccount",
];

const quiet = () => untilQuiet(() => operatorRequests(inject("auditLog"), kube.namespace).length);

test("a server's objects are all owned by it, and go with it", async () => {
  await settle("owned", { image });
  const children = await kube.childrenOf("owned");
  const { uid } = (await kube.server("owned")).metadata;
  expect(kindsOf(children)).toEqual(everything);
  for (const { metadata } of children) expect(metadata.ownerReferences).toMatchObject([{ uid, controller: true }]);
  await kube.remove("McpServer", "owned");
  // Kubernetes' garbage collector looks for new kinds, such as ours here, every half minute.
  await eventually("nothing is left", async () => (await kube.childrenOf("owned")).length === 0, 80);
});

test("each object is written once, and a restart of the operator writes nothing", async () => {
  await settle("once", { image, network: {}, pools: [{ name: "slow" }] });
  await quiet();
  const allWrites = () => writesOf(operatorRequests(inject("auditLog"), kube.namespace));
  const writes = allWrites().filter(({ name }) => name.startsWith("once"));
  const objects = writes.filter(({ resource }) => resource !== "mcpservers");
  expect(objects.map(({ code }) => code)).toEqual(objects.map(() => 201));
  expect(objects).toHaveLength(11);

  const before = allWrites().length;
  await operator.stop();
  operator = await startOperator(inject("operator").kubeconfig);
  await quiet();
  expect(allWrites().slice(before)).toEqual([]);
});

describe("drift", () => {
  test("a deleted child of any kind comes back", async () => {
    await settle("deleted", { image, network: {} });
    for (const { kind, metadata } of await kube.childrenOf("deleted")) {
      await kube.remove(kind, metadata.name);
      await eventually(`${kind} is back`, async () => {
        const child = await kube.get(kind, metadata.name);
        return child && child.metadata.uid !== metadata.uid;
      });
    }
  });

  test("a field of ours that somebody changes is taken back, in every kind", async () => {
    await settle("stolen", { image, network: {} });
    const thefts: [string, object, (object: AnyObject) => unknown][] = [
      [
        "Deployment",
        { spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } } },
        ({ spec }) => spec.template.spec.terminationGracePeriodSeconds === 60,
      ],
      ["Service", { spec: { sessionAffinity: "ClientIP" } }, ({ spec }) => spec.sessionAffinity === "None"],
      ["HorizontalPodAutoscaler", { spec: { maxReplicas: 99 } }, ({ spec }) => spec.maxReplicas === 10],
      ["PodDisruptionBudget", { spec: { maxUnavailable: 5 } }, ({ spec }) => spec.maxUnavailable === 1],
      [
        "ServiceAccount",
        { automountServiceAccountToken: true },
        (object) => object.automountServiceAccountToken === false,
      ],
      ["NetworkPolicy", { spec: { policyTypes: ["Ingress"] } }, ({ spec }) => spec.policyTypes.length === 2],
    ];
    for (const [kind, change, isBack] of thefts) {
      await kube.patch(kind, "stolen", change);
      await eventually(`${kind} is as it was`, async () => isBack((await kube.get(kind, "stolen"))!) as boolean);
    }
  });

  test("labels, annotations and sidecars that others add stay", async () => {
    await settle("shared", { image });
    await kube.patch("Service", "shared", { metadata: { labels: { team: "shop" }, annotations: { note: "theirs" } } });
    await settle("shared", { image: "registry.example.com/basket-mcp:1.5.0" });
    await kube.remove("Deployment", "shared");
    await eventually("the Deployment is back", () => kube.get("Deployment", "shared"));
    const service = await kube.get("Service", "shared");
    expect(service?.metadata.labels).toMatchObject({ team: "shop" });
    expect(service?.metadata.annotations).toMatchObject({ note: "theirs" });
  });

  test("keys of the ring that somebody edits are kept when they can be used, and replaced when not", async () => {
    await settle("ring", { image });
    const [secret] = await kube.list("Secret", "anypod.dev/server=ring");
    const { name } = secret!.metadata;
    const encode = (text: string) => Buffer.from(text).toString("base64");
    const mine = Buffer.alloc(32, 7).toString("base64");
    await kube.patch("Secret", name, { data: { key: encode(mine), keys: encode(mine) } });
    const hashOf = (object: AnyObject | undefined) => object?.metadata.annotations?.["anypod.dev/ring-hash"];
    await eventually("the edit is known", async () => hashOf(await kube.get("Secret", name)) !== hashOf(secret));
    expect((await kube.get("Secret", name))?.data.key).toBe(encode(mine));
    await kube.patch("Secret", name, { data: { keys: encode("rubbish") } });
    await eventually("there are new keys", async () => {
      const { data } = (await kube.get("Secret", name))!;
      return data.keys !== encode("rubbish") && data.key !== encode(mine);
    });
  });
});

describe("replicas", () => {
  const replicasOf = async (name: string) => (await kube.get("Deployment", name))?.spec.replicas as number;

  test("whoever scales is left alone, also when the spec changes", async () => {
    await settle("scaled", { image, autoscaling: { enabled: false } });
    expect(await replicasOf("scaled")).toBe(2);
    await kube.patch("Deployment", "scaled", { spec: { replicas: 7 } });
    await settle("scaled", { image: "registry.example.com/basket-mcp:2.0.0", autoscaling: { enabled: false } });
    await quiet();
    expect((await kube.get("Deployment", "scaled"))?.spec.template.spec.containers[0].image).toMatch(/2\.0\.0$/);
    expect(await replicasOf("scaled")).toBe(7);
  });

  test("the first two pods stay when the spec changes before anybody scales", async () => {
    await settle("initial", { image, autoscaling: { enabled: false } });
    await settle("initial", { image: "registry.example.com/basket-mcp:2.0.0", autoscaling: { enabled: false } });
    await quiet();
    expect(await replicasOf("initial")).toBe(2);
  });

  test("handing over from fixed replicas to the autoscaler keeps the pods that there are", async () => {
    await settle("handed", { image, replicas: 5 });
    expect(await replicasOf("handed")).toBe(5);
    await settle("handed", { image, autoscaling: { minReplicas: 3 } });
    await eventually("there is an autoscaler", () => kube.get("HorizontalPodAutoscaler", "handed"));
    await quiet();
    expect(await replicasOf("handed")).toBe(5);
  });

  test("with an autoscaler, replicas are never sent", async () => {
    await settle("auto", { image });
    await settle("auto", { image: "registry.example.com/basket-mcp:2.0.0" });
    await quiet();
    const bodies = writesOf(operatorRequests(inject("auditLog"), kube.namespace))
      .filter(({ resource, name }) => resource === "deployments" && name === "auto")
      .map(({ body }) => body as { spec: object });
    expect(bodies.length).toBeGreaterThanOrEqual(2);
    for (const { spec } of bodies) expect(spec).not.toHaveProperty("replicas");
  });

  test("fixed replicas are taken back from whoever changes them", async () => {
    await settle("fixed", { image, replicas: 3 });
    await kube.patch("Deployment", "fixed", { spec: { replicas: 1 } });
    await eventually("there are three again", async () => (await replicasOf("fixed")) === 3);
  });

  test("the scale subresource sets a fixed number", async () => {
    await settle("subresource", { image });
    await kube.client.json({
      method: "PATCH",
      path: `/apis/anypod.dev/v1alpha1/namespaces/${kube.namespace}/mcpservers/subresource/scale`,
      contentType: "application/merge-patch+json",
      body: { spec: { replicas: 4 } },
    });
    await eventually("there are four", async () => (await replicasOf("subresource")) === 4);
    await eventually("the autoscaler is gone", async () => !(await kube.get("HorizontalPodAutoscaler", "subresource")));
  });
});

test("what a spec no longer asks for is pruned", async () => {
  await settle("pruned", { image, network: {}, pools: [{ name: "a" }, { name: "b" }] });
  expect(await kube.childrenOf("pruned")).toHaveLength(15);
  await settle("pruned", {
    image,
    replicas: 1,
    requestState: { secretRef: { name: "mine" } },
    serviceAccount: { name: "mine" },
  });
  await eventually("only Deployment and Service are left", async () => {
    return JSON.stringify(kindsOf(await kube.childrenOf("pruned"))) === JSON.stringify(["Deployment", "Service"]);
  });
});

test("a paused server's objects are left alone until it is resumed", async () => {
  await settle("paused", { image });
  await settle("paused", { image, paused: true });
  await kube.condition("paused", "Reconciling", { status: "False", reason: "Paused" });
  const before = (await kube.get("Service", "paused"))!;
  await kube.remove("Service", "paused");
  await settle("paused", { image: "registry.example.com/basket-mcp:9", paused: true });
  await quiet();
  expect(await kube.get("Service", "paused")).toBeUndefined();
  expect((await kube.get("Deployment", "paused"))?.spec.template.spec.containers[0].image).toBe(image);
  await settle("paused", { image });
  const after = await eventually("the Service is back", () => kube.get("Service", "paused"));
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
});

test("a changed ConfigMap or Secret changes the pods' template once, and a touched one doesn't", async () => {
  const create = (kind: string, plural: string, body: object) =>
    kube.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${kube.namespace}/${plural}`,
      body: { apiVersion: "v1", kind, ...body },
    });
  await create("Secret", "secrets", { metadata: { name: "login" }, stringData: { user: "a" } });
  await create("ConfigMap", "configmaps", { metadata: { name: "settings" }, data: { colour: "red" } });
  await settle("config", {
    image,
    envFrom: [{ configMapRef: { name: "settings" } }],
    env: [{ name: "USER", valueFrom: { secretKeyRef: { name: "login", key: "user" } } }],
  });
  const hash = async () =>
    (await kube.get("Deployment", "config"))?.spec.template.metadata.annotations["anypod.dev/config-hash"];
  const first = await hash();
  await kube.patch("Secret", "login", { metadata: { labels: { touched: "yes" } } });
  await quiet();
  expect(await hash()).toBe(first);
  await kube.patch("Secret", "login", { stringData: { user: "b" } });
  const second = await eventually("the Secret's change is seen", async () => {
    const now = await hash();
    return now !== first && now;
  });
  await kube.client.json({
    method: "PATCH",
    path: `/api/v1/namespaces/${kube.namespace}/configmaps/settings`,
    contentType: "application/merge-patch+json",
    body: { data: { colour: "blue" } },
  });
  await eventually("the ConfigMap's change is seen", async () => (await hash()) !== second);
});

test("a server made again under its old name gets objects of its own", async () => {
  await settle("again", { image });
  const before = (await kube.get("Deployment", "again"))!;
  await kube.remove("McpServer", "again");
  await settle("again", { image: "registry.example.com/basket-mcp:2.0.0" });
  const after = await eventually(
    "there is a Deployment of the new server",
    async () => {
      const deployment = await kube.get("Deployment", "again");
      return (
        deployment &&
        deployment.metadata.uid !== before.metadata.uid &&
        !deployment.metadata.deletionTimestamp &&
        deployment
      );
    },
    60,
  );
  const { uid } = (await kube.server("again")).metadata;
  expect(after.metadata.ownerReferences).toMatchObject([{ uid }]);
  await kube.condition("again", "Stalled", { status: "False" });
});
