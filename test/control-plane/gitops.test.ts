// What GitOps tools rely on (docs/gitops.md): nothing of anypod's makes Git and the cluster differ, and nothing of theirs gets
// onto objects that they don't know.
import { execFileSync } from "node:child_process";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { apiVersion, kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { parseFile } from "../../operator/api/parse.ts";
import { desiredHashAnnotation } from "../../operator/desired/object.ts";
import { generated } from "../../operator/desired/ring.ts";
import { renderServers } from "../../operator/render.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type AnyObject, type TestKube, testKube, written } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually, untilQuiet } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator;

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
});
afterAll(() => operator.stop());

const manifest = (name: string, spec: SpecInput, metadata: object = {}) =>
  JSON.stringify({ apiVersion, kind, metadata: { name, namespace: kube.namespace, ...metadata }, spec });
const apply = (input: string, ...flags: string[]) =>
  execFileSync(inject("kubectl"), ["--kubeconfig", kubeconfig, "apply", ...flags, "-f", "-"], {
    input,
    encoding: "utf8",
  });
const settled = (name: string) =>
  eventually(`${name} is observed`, async () => {
    const { status, metadata } = await kube.server(name);
    return status?.observedGeneration === metadata.generation;
  });
const writes = () => writesOf(operatorRequests(inject("auditLog"), kube.namespace));
/** Waits until the operator writes nothing any more. How often it has written an object; statuses follow what others do. */
async function quiet(): Promise<number> {
  await untilQuiet(() => writes().length);
  return writes().filter(({ subresource }) => subresource === "").length;
}

test("a server that nobody has looked at yet says so, also where there is no operator", async () => {
  const other = await testKube(kubeconfig);
  await other.applyServer("unseen", { image });
  expect((await other.server("unseen")).status).toEqual({ observedGeneration: -1 });
  await other.remove(kind, "unseen");
});

test("the cluster holds what Git holds, and applying it again writes nothing", async () => {
  const spec = { image, pools: [{ name: "a" }], protocolVersions: ["2026-07-28" as const] };
  apply(manifest("held", spec), "--server-side");
  await settled("held");
  await quiet();
  const before = await kube.server("held");
  expect(before.spec).toEqual(spec);
  apply(manifest("held", spec), "--server-side");
  expect((await kube.server("held")).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
});

/** Without what `render` can't know, and the hash that stands for it, too. */
function known(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const isKnown = ([name, nested]: [string, unknown]) => nested !== generated && name !== desiredHashAnnotation;
  const entries = Object.entries(value).filter(isKnown);
  return Object.fromEntries(entries.map(([name, nested]) => [name, known(nested)]));
}
const everything: SpecInput = {
  image,
  network: { from: [{ podSelector: { matchLabels: { app: "gateway" } } }] },
  autoscaling: { minReplicas: 2, maxReplicas: 9, cpu: 60, memory: 80 },
  pools: [{ name: "a", replicas: 1 }],
  routing: { gateway: { parentRefs: [{ name: "edge" }] }, hostnames: ["mcp.example.com"] },
};
/** What `render` prints of a server, but for the Secret, which it doesn't know. */
function renderedOf(text: string): AnyObject[] {
  const { servers } = parseFile("f.yaml", text, kube.namespace);
  return (loadAll(renderServers(servers)) as AnyObject[]).filter((object) => object.kind !== "Secret");
}

test("what render prints, applied without an operator, is so after the first time", async () => {
  const other = await testKube(kubeconfig);
  const rendered = renderedOf(
    JSON.stringify({ apiVersion, kind, metadata: { name: "bare", namespace: other.namespace }, spec: everything }),
  );
  const text = rendered.map((object) => JSON.stringify(object)).join("\n---\n");
  apply(text, "--server-side");
  const versions = async () => (await other.childrenOf("bare")).map(written);
  const before = await versions();
  expect(before).toHaveLength(rendered.length);
  apply(text, "--server-side");
  expect(await versions()).toEqual(before);
});

test("what render prints is what the operator keeps: applied over it, it changes nothing, and nobody takes it back", async () => {
  const text = manifest("rendered", everything);
  apply(text);
  await settled("rendered");
  const quietly = await quiet();
  const rendered = renderedOf(text)
    .map((object) => JSON.stringify(known(object)))
    .join("\n---\n");
  const specs = async () => (await kube.childrenOf("rendered")).map(({ kind: of, spec }) => ({ of, spec }));
  const before = await specs();
  apply(rendered, "--server-side");
  expect(await specs()).toEqual(before);
  const applied = (await kube.childrenOf("rendered")).map(written);
  apply(rendered, "--server-side");
  expect((await kube.childrenOf("rendered")).map(written)).toEqual(applied);
  expect(await quiet()).toBe(quietly);
});

test("what a GitOps tool marks its own objects with isn't copied onto the server's", async () => {
  const labels = {
    "app.kubernetes.io/instance": "basket",
    "argocd.argoproj.io/instance": "basket",
    "kustomize.toolkit.fluxcd.io/name": "basket",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    "helm.toolkit.fluxcd.io/name": "basket",
    "app.kubernetes.io/managed-by": "Helm",
    team: "shop",
  };
  const annotations = {
    "argocd.argoproj.io/tracking-id": "basket:anypod.dev/McpServer:shop/basket",
    "argocd.argoproj.io/sync-wave": "1",
    "meta.helm.sh/release-name": "basket",
    "kustomize.toolkit.fluxcd.io/prune": "enabled",
    team: "shop",
  };
  apply(manifest("marked", everything, { labels, annotations }));
  await settled("marked");
  await quiet();
  const children = await kube.childrenOf("marked");
  expect(children.length).toBeGreaterThan(6);
  const marks = new Set([
    ...Object.keys(labels),
    ...Object.keys(annotations),
    "kubectl.kubernetes.io/last-applied-configuration",
  ]);
  for (const { kind: of, metadata, spec } of children) {
    const carried = [metadata, spec?.template?.metadata].flatMap((each) =>
      Object.entries({ ...each?.labels, ...each?.annotations }),
    );
    const copied = carried.filter(([name, value]) => marks.has(name) && value !== "anypod");
    expect({ of, copied }).toEqual({ of, copied: [] });
    expect(metadata.ownerReferences).toMatchObject([{ kind, name: "marked", controller: true }]);
  }
});

test("pods that an autoscaler has counted stay when Git is applied again, rendered or not", async () => {
  const text = manifest("counted", { image });
  apply(text);
  await settled("counted");
  await quiet();
  await kube.client.json({
    method: "PATCH",
    path: `/apis/apps/v1/namespaces/${kube.namespace}/deployments/counted/scale`,
    query: { fieldManager: "kube-controller-manager" },
    contentType: "application/merge-patch+json",
    body: { spec: { replicas: 7 } },
  });
  const before = await quiet();
  apply(text);
  apply(
    renderedOf(text)
      .map((object) => JSON.stringify(known(object)))
      .join("\n---\n"),
    "--server-side",
  );
  expect(await quiet()).toBe(before);
  expect((await kube.get("Deployment", "counted"))?.spec.replicas).toBe(7);
});
