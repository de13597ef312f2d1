// Who counts the pods: Kubernetes' autoscaler, or KEDA's, which comes and goes while the operator runs. KEDA itself is played here,
// with its own definitions: test/pods has the real one.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { startKubelet } from "../chaos/kubelet.ts";
import { installKedaDefinitions, removeKedaDefinitions } from "../cluster/addons/keda.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type AnyObject, type TestKube, testKube, typeByKind } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually, untilQuiet } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const prometheusUrl = "http://prometheus.monitoring.svc:9090";
const cluster = { kubeconfig: inject("kubeconfig"), kubectl: inject("kubectl") };
let kube: TestKube;
let operator: RunningOperator;
let kubelet: { stop(): Promise<void> };

beforeAll(async () => {
  kube = await testKube(cluster.kubeconfig);
  kubelet = startKubelet(kube.client, kube.namespace);
  operator = await startOperator(inject("operator").kubeconfig, "--prometheus-url", prometheusUrl);
});
afterAll(async () => {
  await releaseAll();
  await operator.stop();
  await kubelet.stop();
  await removeKedaDefinitions(cluster);
});

const byCalls = (more: object = {}): SpecInput => ({ image, autoscaling: { callsPerSecond: 50, ...more } });
const hpa = (name: string) => kube.get("HorizontalPodAutoscaler", name);
const scaledObject = (name: string) => kube.get("ScaledObject", name);
const replicasOf = async (name: string) => (await kube.get("Deployment", name))?.spec.replicas;
const ownerOf = (object: AnyObject | undefined) =>
  object?.metadata.ownerReferences?.map((owner) => (owner as unknown as { kind: string }).kind).join();
const isThere = (kind: string, name: string) => eventually(`there is ${kind} ${name}`, () => kube.get(kind, name));

/** As clients of Kubernetes write that read an object and send it whole. */
const replace = (path: string, body: object) => kube.client.json<AnyObject>({ method: "PUT", path, body });
const pathOf = (kind: string, name: string) =>
  [collectionPath(typeByKind(kind), kube.namespace), ...(name === "" ? [] : [name])].join("/");
const kedaPath = (name: string) => pathOf("ScaledObject", name);
const hpaPath = (name: string) => pathOf("HorizontalPodAutoscaler", name);

/** KEDA takes notice of a ScaledObject: finalizer, label, status, and the autoscaler of that name becomes its own. */
async function takeOver(name: string): Promise<void> {
  const seen = await isThere("ScaledObject", name);
  const { metadata } = seen;
  const labels = { ...metadata.labels, "scaledobject.keda.sh/name": name };
  const finalized = await replace(kedaPath(name), {
    ...seen,
    metadata: { ...metadata, labels, finalizers: ["finalizer.keda.sh"] },
    spec: { ...seen.spec, advanced: { ...seen.spec.advanced, scalingModifiers: {} } },
  });
  const { advanced, minReplicaCount, maxReplicaCount, scaleTargetRef } = finalized.spec;
  const metric = { name: "s0-prometheus", selector: { matchLabels: { "scaledobject.keda.sh/name": name } } };
  const target = { type: "AverageValue", averageValue: "50" };
  const owner = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name, uid: metadata.uid };
  const before = await hpa(name);
  const made = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: {
      name,
      labels,
      annotations: metadata.annotations,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      scaleTargetRef,
      minReplicas: minReplicaCount,
      maxReplicas: maxReplicaCount,
      metrics: [{ type: "External", external: { metric, target } }],
      behavior: advanced.horizontalPodAutoscalerConfig.behavior,
    },
  };
  if (before) await replace(hpaPath(name), made);
  else await kube.client.json({ method: "POST", path: hpaPath(""), body: made });
  await says(name, "True", "ScaledObject is defined correctly and is ready for scaling");
}

/** What KEDA has to say of a ScaledObject. */
async function says(name: string, status: string, message: string): Promise<void> {
  const condition = { type: "Ready", status, reason: "x", message };
  await kube.client.json({
    method: "PATCH",
    path: `${kedaPath(name)}/status`,
    contentType: "application/merge-patch+json",
    body: { status: { conditions: [condition] } },
  });
}

/** KEDA lets a deleted ScaledObject go. */
const release = (name: string) => kube.patch("ScaledObject", name, { metadata: { finalizers: null } });
async function releaseAll(): Promise<void> {
  for (const { metadata } of await kube.list("ScaledObject")) await release(metadata.name);
}

describe("without KEDA", () => {
  test("the autoscaler goes by calls as an adapter of the user's tells them, and says when there is none", async () => {
    await kube.applyServer("adapted", byCalls());
    const { spec } = await isThere("HorizontalPodAutoscaler", "adapted");
    expect(spec.metrics).toMatchObject([
      { external: { metric: { name: "mcp_calls_per_second" }, target: { averageValue: "50" } } },
    ]);
    await kube.condition("adapted", "AutoscalingReady", { status: "False", reason: "AutoscalerStarting" });
    const missing = { status: "False", reason: "CallMetricsMissing" } as const;
    const { message } = await kube.condition("adapted", "AutoscalingReady", missing, 120);
    expect(message).toContain("install KEDA and set prometheusUrl");
    await kube.condition("adapted", "Ready", { status: "True" });
  });
});

describe("KEDA, installed while the operator runs", () => {
  beforeAll(async () => {
    for (const name of ["handed", "back", "left"]) await kube.applyServer(name, byCalls());
    await kube.applyServer("by-cpu", { image, autoscaling: { cpu: 60 } });
    for (const name of ["handed", "back", "left", "by-cpu"]) {
      await isThere("HorizontalPodAutoscaler", name);
      await isThere("Deployment", name);
      await kube.patch("Deployment", name, { spec: { replicas: 5 } });
    }
    await installKedaDefinitions(cluster);
  });

  test("gets the autoscaler of a server that goes by calls, which is there all the time", async () => {
    const before = await hpa("handed");
    const { spec } = await isThere("ScaledObject", "handed");
    expect(spec.triggers[0].metadata.serverAddress).toBe(prometheusUrl);
    expect(ownerOf(await hpa("handed"))).toBe("McpServer");
    await kube.condition("handed", "AutoscalingReady", { status: "False", reason: "AutoscalerStarting" });
    await takeOver("handed");
    const after = await hpa("handed");
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect(ownerOf(after)).toBe("ScaledObject");
    await kube.condition("handed", "Ready", { status: "True" });
    expect(await replicasOf("handed")).toBe(5);
  });

  test("is left alone from then on, whatever it adds: nothing is written", async () => {
    const all = () => operatorRequests(inject("auditLog"), kube.namespace);
    await untilQuiet(() => all().length);
    const before = writesOf(all()).length;
    await kube.patch("ScaledObject", "handed", {
      metadata: { annotations: { "autoscaling.keda.sh/paused": "false" } },
    });
    await operator.stop();
    operator = await startOperator(inject("operator").kubeconfig, "--prometheus-url", prometheusUrl);
    await untilQuiet(() => all().length);
    expect(writesOf(all()).slice(before)).toEqual([]);
    expect(ownerOf(await hpa("handed"))).toBe("ScaledObject");
  });

  test("takes all that a spec can say, but for metrics that it has no trigger for", async () => {
    const averageValue = "200m";
    const target = { type: "AverageValue" as const, averageValue };
    await kube.applyServer(
      "all",
      byCalls({
        callsInFlight: 2.5,
        cpu: 60,
        memory: 70,
        metrics: [
          { type: "Pods", pods: { metric: { name: "queue" }, target } },
          { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
          { type: "ContainerResource", containerResource: { name: "cpu", container: "server", target } },
        ],
        behavior: { scaleUp: { tolerance: "0.05", policies: [{ type: "Pods", value: 4, periodSeconds: 15 }] } },
      }),
    );
    const { spec } = await isThere("ScaledObject", "all");
    const triggers: { type: string; metricType: string; metadata: Record<string, string> }[] = spec.triggers;
    const sent = triggers.map(({ type, metricType, metadata: { threshold, value, containerName } }) =>
      [type, metricType, threshold ?? value, containerName].filter(Boolean).join(" "),
    );
    expect(sent).toEqual([
      "prometheus AverageValue 50",
      "prometheus AverageValue 2.5",
      "cpu Utilization 60",
      "memory Utilization 70",
      "memory AverageValue 1Gi",
      "cpu AverageValue 200m server",
    ]);
    expect(spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance).toBe("0.05");
  });

  test("leaves servers that go by CPU to Kubernetes", async () => {
    expect(await scaledObject("by-cpu")).toBeUndefined();
    expect(ownerOf(await hpa("by-cpu"))).toBe("McpServer");
  });

  test("says what it can't do, and the server is Ready all the same", async () => {
    await says("handed", "False", "Triggers are not working");
    const { message } = await kube.condition("handed", "AutoscalingReady", {
      status: "False",
      reason: "AutoscalerFails",
    });
    expect(message).toContain("KEDA says of it: Triggers are not working.");
    await kube.condition("handed", "Ready", { status: "True" });
  });

  test("may refuse a ScaledObject, and the server is Ready all the same", async () => {
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    const refusing = {
      metadata: { name: "as-keda" },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ["keda.sh"], apiVersions: ["*"], operations: ["CREATE"], resources: ["scaledobjects"] },
          ],
        },
        validations: [{ expression: "object.metadata.name != 'refused'", message: "it is managed by the hpa 'x'" }],
      },
    };
    const binding = { metadata: { name: "as-keda" }, spec: { policyName: "as-keda", validationActions: ["Deny"] } };
    await kube.client.json({ method: "POST", path: policies, body: refusing });
    await kube.client.json({ method: "POST", path: policies.replace("policies", "policybindings"), body: binding });
    try {
      await eventually("the policy is in force", async () => {
        const spec = { scaleTargetRef: { name: "x" }, triggers: [{ type: "x", metadata: {} }] };
        const body = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", metadata: { name: "refused" }, spec };
        const asked = kube.client.json({ method: "POST", path: kedaPath(""), query: { dryRun: "All" }, body });
        return asked.then(
          () => false,
          ({ message }) => message.includes("managed by the hpa"),
        );
      });
      await kube.applyServer("refused", byCalls());
      const { message } = await kube.condition("refused", "AutoscalingReady", { status: "False", reason: "Rejected" });
      expect(message).toContain("it is managed by the hpa 'x'");
      await kube.condition("refused", "Ready", { status: "True" });
    } finally {
      await kube.client.json({ method: "DELETE", path: `${policies.replace("policies", "policybindings")}/as-keda` });
      await kube.client.json({ method: "DELETE", path: `${policies}/as-keda` });
    }
    await kube.remove("McpServer", "refused");
  });

  test("gives the autoscaler back when calls count no more, and no pod goes", async () => {
    await takeOver("back");
    await kube.applyServer("back", { image, autoscaling: { cpu: 60 } });
    await eventually("the ScaledObject is to go", async () => (await scaledObject("back"))?.metadata.deletionTimestamp);
    const { message } = await kube.condition("back", "AutoscalingReady", { reason: "AutoscalerStarting" });
    expect(message).toContain("take its finalizer out");
    await kube.condition("back", "Ready", { status: "True" });
    await release("back");
    await eventually("the autoscaler is the server's own", async () => ownerOf(await hpa("back")) === "McpServer", 90);
    expect((await hpa("back"))?.spec.metrics).toMatchObject([{ resource: { name: "cpu" } }]);
    expect(await replicasOf("back")).toBe(5);
  });

  test("needs to be told where Prometheus is", async () => {
    await operator.stop();
    operator = await startOperator(inject("operator").kubeconfig);
    const { message } = await kube.condition("left", "AutoscalingReady", { reason: "PrometheusNotKnown" });
    expect(message).toContain("set prometheusUrl");
    await operator.stop();
    operator = await startOperator(inject("operator").kubeconfig, "--prometheus-url", prometheusUrl);
    await isThere("ScaledObject", "handed");
  });

  test("leaves the autoscaler to the operator when it is taken away", async () => {
    await eventually("nothing holds on to ScaledObjects", async () => {
      await releaseAll();
      return (await kube.list("ScaledObject")).every(({ metadata }) => !metadata.deletionTimestamp);
    });
    await takeOver("left");
    await releaseAll();
    await removeKedaDefinitions(cluster);
    await eventually("the autoscaler is the server's own", async () => ownerOf(await hpa("left")) === "McpServer", 90);
    expect((await hpa("left"))?.spec.metrics).toMatchObject([
      { external: { metric: { name: "mcp_calls_per_second" } } },
    ]);
    expect(await replicasOf("left")).toBe(5);
  });
});
