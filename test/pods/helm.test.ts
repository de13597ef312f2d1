// The charts on a real cluster, as platform teams use them: installed from packages, with two operators as pods, upgraded,
// rolled back, uninstalled, installed again. One story: each test goes on where the one before it ended.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { ensureBinaries } from "../cluster/binaries.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { runHelm } from "../support/helm.ts";
import { basket, newBasket } from "../support/images.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { root } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";

// More than Helm may wait.
vi.setConfig({ testTimeout: 300_000 });
const kubeconfig = inject("kubeconfig");
const restricted = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/warn": "restricted",
};
/** Where the operator is, and where a server is. */
let system: TestKube;
let shop: TestKube;
let driver: Driver;
let packages = "";
let binary = "";

const helm = (...args: string[]) => runHelm(binary, args);
const onCluster = (command: string, release: string, kube: TestKube, ...args: string[]) =>
  helm(
    command,
    release,
    ...args,
    "--namespace",
    kube.namespace,
    "--kubeconfig",
    kubeconfig,
    "--wait",
    "--timeout=150s",
  );
const packaged = (chart: string) =>
  join(packages, readdirSync(packages).find((file) => file.replace(/-\d+\.\d+\.\d+\.tgz$/, "") === chart) ?? "");
const localImage = ["--set", "image.repository=localhost/anypod"];
const install = async (...flags: string[]) =>
  onCluster("install", "anypod", system, packaged("anypod"), ...localImage, ...flags);

beforeAll(async () => {
  const context = { log: (line: string) => console.log(line), signal: new AbortController().signal };
  binary = (await ensureBinaries(context, ["helm"]))("helm");
  packages = mkdtempSync(join(tmpdir(), "anypod-packages-"));
  for (const chart of ["anypod-crds", "anypod", "mcp-server"])
    await helm("package", join(root, "charts", chart), "--destination", packages);
  [system, shop] = await Promise.all([testKube(kubeconfig, restricted), testKube(kubeconfig, restricted)]);
  driver = await startDriver(shop.client, shop.namespace);
});

afterAll(async () => {
  await onCluster("uninstall", "anypod", system, "--ignore-not-found");
  for (const { client, namespace } of [shop, system]) {
    await client.json({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
    await client.close();
  }
  rmSync(packages, { recursive: true });
});

const podsIn = async ({ client, namespace }: TestKube, labelSelector: string) => {
  const query = { labelSelector };
  const { items } = await client.json<{ items: AnyObject[] }>({ path: `/api/v1/namespaces/${namespace}/pods`, query });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
};
const operators = () => podsIn(system, "app.kubernetes.io/name=anypod");
const serverPods = () => podsIn(shop, "anypod.dev/server=basket");
const uidsOf = (objects: AnyObject[]) => objects.map(({ metadata }) => metadata.uid).sort();
const url = async () => `http://${await serviceAddress(shop.client, shop.namespace, "basket")}/mcp`;

/** What an operator's pod answers, or has logged. */
async function textOf(pod: AnyObject, path: string): Promise<string> {
  const lines: string[] = [];
  const whole = `/api/v1/namespaces/${system.namespace}/pods/${pod.metadata.name}${path}`;
  for await (const line of system.client.lines({ path: whole })) lines.push(line);
  return lines.join("\n");
}

/** Kinds that the operators have no right to, as they tell it themselves. */
async function refused(): Promise<string[]> {
  const logs = await Promise.all((await operators()).map((pod) => textOf(pod, "/log")));
  const entries = logs.flatMap((log) => log.split("\n").filter((line) => line.startsWith("{")));
  const told = entries.map((line) => JSON.parse(line) as { kind?: string; status?: number; msg: string });
  const isRefusal = ({ status, msg }: (typeof told)[number]) => status === 403 || msg.startsWith("no right");
  return [...new Set(told.filter(isRefusal).map(({ kind, msg }) => kind ?? msg))].sort();
}

const leader = async () => {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${system.namespace}/leases/anypod`;
  const { spec } = await system.client.json<{ spec: { holderIdentity: string } }>({ path });
  return spec.holderIdentity.split("_")[0]!;
};

/** Waits until an operator leads that has looked at the server. */
const looked = () =>
  eventually("an operator has looked at the server", async () => {
    const metrics = await Promise.all((await operators()).map((pod) => textOf(pod, ":8080/proxy/metrics")));
    return metrics.some((text) => /^controller_runtime_reconcile_total\{.*\} [1-9]/m.test(text));
  });

test("both charts install from their packages, and a server of the third becomes Ready", async () => {
  // The tests of this tier have applied the definition already.
  await onCluster("install", "anypod-crds", system, packaged("anypod-crds"), "--take-ownership");
  const notes = await install();
  expect(notes).toContain("kubectl apply");
  expect(await operators()).toHaveLength(2);
  // Helm waits for it as for anything else: its status is made for that.
  await onCluster("install", "basket", shop, packaged("mcp-server"), "--set", `image=${basket}`);
  await shop.condition("basket", "Ready", { status: "True" }, 5);
  await eventually("calls are answered", async () => (await driver.calls(await url(), 10)).failed === 0);
  await eventually("its autoscaler has counted its pods", async () => (await serverPods()).length === 2, 60);
  expect(await refused()).toEqual([]);
});

test("operators share the work: the one that leads is killed in a rollout, and no call is lost", async () => {
  await driver.startLoad(await url(), 4);
  const killed = await leader();
  await onCluster("upgrade", "basket", shop, packaged("mcp-server"), "--set", `image=${newBasket}`, "--wait=hookOnly");
  const query = { gracePeriodSeconds: 0 };
  await system.client.json({ method: "DELETE", path: `/api/v1/namespaces/${system.namespace}/pods/${killed}`, query });
  await eventually("another one leads", async () => (await leader()) !== killed, 60);
  await shop.condition("basket", "Ready", { status: "True" }, 120);
  await eventually("all calls are answered by the new version", async () => {
    const { versions } = await driver.calls(await url(), 10);
    return Object.keys(versions).join() === "1.1.0";
  });
  const tally = await driver.stopLoad();
  expect(tally.errors).toEqual([]);
  expect(tally.failed).toBe(0);
  expect(tally.calls).toBeGreaterThan(50);
});

test("helm upgrade and rollback change the operator and leave the server's pods alone", async () => {
  const before = uidsOf(await serverPods());
  const argsOf = async () => (await operators()).flatMap(({ spec }) => spec.containers[0].args as string[]);
  await onCluster("upgrade", "anypod", system, packaged("anypod"), ...localImage, "--set", "logLevel=debug");
  expect((await argsOf()).filter((each) => each.startsWith("--log-level"))).toEqual(Array(2).fill("--log-level=debug"));
  await onCluster("rollback", "anypod", system, "1");
  expect((await argsOf()).filter((each) => each.startsWith("--log-level"))).toEqual(Array(2).fill("--log-level=info"));
  await looked();
  expect(uidsOf(await serverPods())).toEqual(before);
});

test("helm uninstall leaves servers and their kind, and a new operator has nothing to write", async () => {
  const pods = uidsOf(await serverPods());
  await onCluster("uninstall", "anypod", system);
  await onCluster("uninstall", "anypod-crds", system);
  expect(await operators()).toEqual([]);
  expect(uidsOf(await serverPods())).toEqual(pods);
  expect((await driver.calls(await url(), 10)).failed).toBe(0);
  const auditLog = inject("auditLog");
  const writes = () => (auditLog ? writesOf(operatorRequests(auditLog, shop.namespace)).length : 0);
  const before = writes();
  expect(before === 0).toBe(auditLog === "");
  await onCluster("install", "anypod-crds", system, packaged("anypod-crds"));
  await install();
  await looked();
  await shop.condition("basket", "Ready", { status: "True" }, 5);
  expect(writes()).toBe(before);
  expect(uidsOf(await serverPods())).toEqual(pods);
});

test("rights in the listed namespaces are enough, without any of the cluster's", async () => {
  await onCluster("uninstall", "anypod", system);
  const scoped = ["--set", `watchNamespaces={${shop.namespace}},rbac.clusterScoped=false,replicas=1`];
  await install(...scoped);
  await onCluster("upgrade", "basket", shop, packaged("mcp-server"), "--set", `image=${newBasket},replicas=3`);
  expect(await serverPods()).toHaveLength(3);
  expect(await refused()).toEqual(["GatewayClass", "IngressClass"]);
});
