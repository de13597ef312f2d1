// The charts on a real cluster, as platform teams use them: installed from packages, with two operators as pods, upgraded,
// rolled back, uninstalled, installed again. One story: each test goes on where the one before it ended.
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { basket, newBasket } from "../support/images.ts";
import type { TestKube } from "../support/kube.ts";
import { root } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";
import {
  type Helm,
  leaderIn,
  looked,
  operatorsIn,
  type Packages,
  podsIn,
  removeNamespace,
  restrictedNamespace,
  startHelm,
  textOf,
  uidsOf,
} from "./charts.ts";

// More than Helm may wait.
vi.setConfig({ testTimeout: 300_000 });
/** Where the operator is, and where a server is. */
let system: TestKube;
let shop: TestKube;
let driver: Driver;
let helm: Helm;
let packages: Packages;

const localImage = ["--set", "image.repository=localhost/anypod"];
const install = async (...flags: string[]) =>
  helm.on("install", "anypod", system, packages.of("anypod"), ...localImage, ...flags);

beforeAll(async () => {
  helm = await startHelm();
  packages = await helm.package(root, ["anypod-crds", "anypod", "mcp-server"]);
  [system, shop] = await Promise.all([restrictedNamespace(), restrictedNamespace()]);
  driver = await startDriver(shop.client, shop.namespace);
});

afterAll(async () => {
  await helm.on("uninstall", "anypod", system, "--ignore-not-found");
  for (const kube of [shop, system]) await removeNamespace(kube);
  packages.remove();
});

const operators = () => operatorsIn(system);
const serverPods = () => podsIn(shop, "anypod.dev/server=basket");
const url = async () => `http://${await serviceAddress(shop.client, shop.namespace, "basket")}/mcp`;
const leader = () => leaderIn(system);

/** Kinds that the operators have no right to, as they tell it themselves. */
async function refused(): Promise<string[]> {
  const logs = await Promise.all((await operators()).map((pod) => textOf(system, pod, "/log")));
  const entries = logs.flatMap((log) => log.split("\n").filter((line) => line.startsWith("{")));
  const told = entries.map((line) => JSON.parse(line) as { kind?: string; status?: number; msg: string });
  const isRefusal = ({ status, msg }: (typeof told)[number]) => status === 403 || msg.startsWith("no right");
  return [...new Set(told.filter(isRefusal).map(({ kind, msg }) => kind ?? msg))].sort();
}

test("both charts install from their packages, and a server of the third becomes Ready", async () => {
  // The tests of this tier have applied the definition already.
  await helm.on("install", "anypod-crds", system, packages.of("anypod-crds"), "--take-ownership");
  const notes = await install();
  expect(notes).toContain("kubectl apply");
  expect(await operators()).toHaveLength(2);
  // Helm waits for it as for anything else: its status is made for that.
  await helm.on("install", "basket", shop, packages.of("mcp-server"), "--set", `image=${basket}`);
  await shop.condition("basket", "Ready", { status: "True" }, 5);
  await eventually("calls are answered", async () => (await driver.calls(await url(), 10)).failed === 0);
  await eventually("its autoscaler has counted its pods", async () => (await serverPods()).length === 2, 60);
  expect(await refused()).toEqual([]);
});

test("a server whose pods say that they make tasks, and that may have several, is told that it has no store for them", async () => {
  const { message } = await shop.condition(
    "basket",
    "TaskStoreReady",
    { status: "False", reason: "TasksWithoutStore" },
    60,
  );
  expect(message).toContain("docs/task-stores.md");
  // Calls that make no tasks go on.
  await shop.condition("basket", "Ready", { status: "True" }, 5);
});

test("operators share the work: the one that leads is killed in a rollout, and no call is lost", async () => {
  await driver.startLoad(await url(), 4);
  const killed = await leader();
  await helm.on("upgrade", "basket", shop, packages.of("mcp-server"), "--set", `image=${newBasket}`, "--wait=hookOnly");
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

test("another level of the log is taken by the operators that run", async () => {
  const running = await operators();
  await helm.on("upgrade", "anypod", system, packages.of("anypod"), ...localImage, "--set", "logLevel=debug");
  // A kubelet brings a ConfigMap's change when it looks at the pod again: within a minute, or when the pod changes.
  for (const { metadata } of running)
    await system.client.json({
      method: "PATCH",
      path: `/api/v1/namespaces/${system.namespace}/pods/${metadata.name}`,
      contentType: "application/merge-patch+json",
      body: { metadata: { annotations: { "example.com/look": "again" } } },
    });
  for (const pod of running)
    await eventually(
      "it takes the level",
      async () => (await textOf(system, pod, "/log")).includes('"to":"debug"'),
      120,
    );
  expect(uidsOf(await operators())).toEqual(uidsOf(running));
});

test("helm upgrade and rollback change the operator and leave the server's pods alone", async () => {
  const before = uidsOf(await serverPods());
  const workers = async () => {
    const args = (await operators()).flatMap(({ spec }) => spec.containers[0].args as string[]);
    return args.filter((each) => each.startsWith("--workers"));
  };
  await helm.on("upgrade", "anypod", system, packages.of("anypod"), ...localImage, "--set", "workers=3");
  expect(await workers()).toEqual(Array(2).fill("--workers=3"));
  await helm.on("rollback", "anypod", system, "1");
  expect(await workers()).toEqual(Array(2).fill("--workers=8"));
  await looked(system);
  expect(uidsOf(await serverPods())).toEqual(before);
});

test("helm uninstall leaves servers and their kind, and a new operator has nothing to write", async () => {
  const pods = uidsOf(await serverPods());
  await helm.on("uninstall", "anypod", system);
  await helm.on("uninstall", "anypod-crds", system);
  expect(await operators()).toEqual([]);
  expect(uidsOf(await serverPods())).toEqual(pods);
  expect((await driver.calls(await url(), 10)).failed).toBe(0);
  const auditLog = inject("auditLog");
  const writes = () => (auditLog ? writesOf(operatorRequests(auditLog, shop.namespace)).length : 0);
  const before = writes();
  expect(before === 0).toBe(auditLog === "");
  await helm.on("install", "anypod-crds", system, packages.of("anypod-crds"));
  await install();
  await looked(system);
  await shop.condition("basket", "Ready", { status: "True" }, 5);
  expect(writes()).toBe(before);
  expect(uidsOf(await serverPods())).toEqual(pods);
});

test("rights in the listed namespaces are enough, without any of the cluster's", async () => {
  await helm.on("uninstall", "anypod", system);
  const scoped = ["--set", `watchNamespaces={${shop.namespace}},rbac.clusterScoped=false,replicas=1`];
  await install(...scoped);
  await helm.on("upgrade", "basket", shop, packages.of("mcp-server"), "--set", `image=${newBasket},replicas=3`);
  expect(await serverPods()).toHaveLength(3);
  expect(await refused()).toEqual(["GatewayClass", "IngressClass"]);
});
