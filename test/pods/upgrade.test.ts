// From the previous release to this one and back, with Helm, on a real cluster: servers answer all calls meanwhile, and no
// operator undoes what the other one does. One story: each test goes on where the one before it ended.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { mainPool } from "../../operator/api/pool.ts";
import { poolLabel } from "../../operator/desired/labels.ts";
import { collectionPath } from "../../operator/kube/resource.ts";
import { mcpServers } from "../../operator/reconcile/kinds.ts";
import { operatorRequests, writesOf } from "../support/audit.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { basket } from "../support/images.ts";
import { type AnyObject, installCrd, type TestKube } from "../support/kube.ts";
import { previousTag } from "../support/operator-image.ts";
import { type PreviousRelease, unpackPreviousRelease } from "../support/previous-release.ts";
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
  uidsOf,
} from "./charts.ts";

// More than Helm may wait.
vi.setConfig({ testTimeout: 300_000 });

/** A server under load: one by itself, one by its pool. */
interface Shop {
  kube: TestKube;
  driver: Driver;
  name: string;
  spec: SpecInput;
  /** The Service that is called has this pool. */
  pool: string;
}

const auditLog = inject("auditLog");
const previousImage = ["--set", `image.repository=localhost/anypod,image.tag=${previousTag}`];
const presentImage = ["--set", "image.repository=localhost/anypod"];
let helm: Helm;
let system: TestKube;
/** Has servers of all kinds, all of them paused. */
let store: TestKube;
let shops: Shop[] = [];
let previous: PreviousRelease;
let packages: { previous: Packages; present: Packages };

beforeAll(async () => {
  previous = await unpackPreviousRelease();
  helm = await startHelm();
  const charts = ["anypod-crds", "anypod"];
  packages = { previous: await helm.package(previous.folder, charts), present: await helm.package(root, charts) };
  const spec = { image: basket, replicas: 2 };
  [system, store] = await Promise.all([restrictedNamespace(), restrictedNamespace()]);
  shops = await Promise.all([
    open({ name: "plain", spec, pool: mainPool }),
    open({ name: "pooled", spec: { ...spec, replicas: 1, pools: [{ name: "prices", replicas: 2 }] }, pool: "prices" }),
  ]);
});

afterAll(async () => {
  await helm.on("uninstall", "anypod", system, "--ignore-not-found");
  await helm.on("uninstall", "anypod-crds", system, "--ignore-not-found");
  await installCrd(inject("kubeconfig"));
  for (const kube of [...shops.map((shop) => shop.kube), store, system]) await removeNamespace(kube);
  for (const { remove } of [packages.previous, packages.present, previous]) remove();
});

async function open(shop: Omit<Shop, "kube" | "driver">): Promise<Shop> {
  const kube = await restrictedNamespace();
  return { ...shop, kube, driver: await startDriver(kube.client, kube.namespace) };
}

const podsOf = ({ kube, name }: Shop) => podsIn(kube, `anypod.dev/server=${name}`);

async function startLoad({ kube, driver, pool }: Shop): Promise<void> {
  const [service] = await kube.list("Service", `${poolLabel}=${pool}`);
  const url = `http://${await serviceAddress(kube.client, kube.namespace, service!.metadata.name)}/mcp`;
  await eventually(`${url} answers`, async () => (await driver.calls(url, 1)).failed === 0);
  await driver.startLoad(url, 4);
}

/** What operators have written for the server so far. */
function writesTo({ kube }: Shop): string[] {
  if (auditLog === "") return [];
  const writes = writesOf(operatorRequests(auditLog, kube.namespace));
  return writes.map(({ resource, name }) => `${resource}/${name}`);
}

/** Waits until nothing has been written in the time that several passes take. */
async function quiet(): Promise<void> {
  let before = -1;
  let since = Date.now();
  await eventually("the operators are quiet", () => {
    const now = shops.flatMap(writesTo).length;
    if (now !== before) since = Date.now();
    before = now;
    return Date.now() - since > 3000;
  });
}

async function stateOf(shop: Shop) {
  const deployments = await shop.kube.list("Deployment", `anypod.dev/server=${shop.name}`);
  const templates = deployments.map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec.template)] as const);
  return { templates: new Map(templates), pods: await podsOf(shop), writes: writesTo(shop).length };
}

const isStatus = (written: string) => written.startsWith("mcpservers/");
const twice = (written: string[]) =>
  written.filter((name, index) => !isStatus(name) && written.indexOf(name) !== index);

/**
 * Changes operators, and sees how servers take it: calls go on, and an object is written once at most. Pods stay, unless the
 * new operator has another template for them; then they are rolled.
 */
async function operatorsBecome(image: string, change: () => Promise<unknown>): Promise<void> {
  // Counts of pods are told late: those of the last change are none of this one's.
  await quiet();
  const before = await Promise.all(shops.map(stateOf));
  await change();
  const operators = await operatorsIn(system);
  expect(operators.map(({ spec }) => spec.containers[0].image)).toEqual([image, image]);
  await eventually("one of them leads", async () => {
    const leader = await leaderIn(system);
    return operators.some(({ metadata }) => metadata.name === leader);
  });
  const { items } = await system.client.json<{ items: object[] }>({ path: collectionPath(mcpServers) });
  await looked(system, items.length);
  for (const { kube, name } of shops) await kube.condition(name, "Ready", { status: "True" }, 120);
  await quiet();
  for (const [index, shop] of shops.entries()) {
    const { templates, pods, writes } = before[index]!;
    const after = await stateOf(shop);
    const written = writesTo(shop).slice(writes);
    expect(twice(written), "objects that were written more than once").toEqual([]);
    const changed = [...templates].filter(([name, template]) => after.templates.get(name) !== template);
    const what = changed.length > 0 ? "are rolled" : "stay";
    console.log(`${image}, ${shop.name}: ${changed.length} of ${templates.size} templates differ, so pods ${what}`);
    if (changed.length > 0) continue;
    expect(uidsOf(after.pods)).toEqual(uidsOf(pods));
    // A release may have more to say; pods that stay give it nothing to say twice.
    expect(written.filter(isStatus).length).toBeLessThan(2);
  }
  await loadGoesOn();
}

/** As `kubectl rollout restart` does. */
async function restartOperators(): Promise<void> {
  const before = uidsOf(await operatorsIn(system));
  const restarted = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  await system.patch("Deployment", "anypod", { spec: { template: { metadata: { annotations: restarted } } } });
  await eventually(
    "other operators run",
    async () => {
      const pods = await operatorsIn(system);
      const ready = pods.filter(({ status }) => status.containerStatuses?.every(({ ready }: AnyObject) => ready));
      return ready.length === 2 && pods.length === 2 && !uidsOf(pods).some((uid) => before.includes(uid));
    },
    120,
  );
}

async function loadGoesOn(): Promise<void> {
  for (const { driver } of shops) {
    const { calls } = await driver.load();
    const { errors, failed } = await eventually("calls are answered", async () => {
      const tally = await driver.load();
      return tally.calls > calls + 20 && tally;
    });
    expect({ errors, failed }).toEqual({ errors: [], failed: 0 });
  }
}

/** The operators that run follow a spec; pods that were there stay. */
async function scales(replicas: number): Promise<void> {
  const [plain] = shops as [Shop];
  const before = uidsOf(await podsOf(plain));
  await plain.kube.applyServer(plain.name, { ...plain.spec, replicas });
  const pods = await eventually(
    `there are ${replicas} pods`,
    async () => {
      const found = await podsOf(plain);
      return found.length === replicas && found;
    },
    60,
  );
  await plain.kube.condition(plain.name, "Ready", { status: "True" }, 60);
  const [few, many] = [before, uidsOf(pods)].sort((a, b) => a.length - b.length) as [string[], string[]];
  expect(many).toEqual(expect.arrayContaining(few));
}

type Stored = { kind: string; metadata: { name: string }; spec: SpecInput };

/** Stores all servers of a checkout's golden files, as paused ones; returns how many there are. */
async function storeAll(sources: string, prefix: string): Promise<Map<string, SpecInput>> {
  const files = globSync("test/golden/*.yaml", { cwd: sources }).filter((file) => !file.endsWith(".out.yaml"));
  const objects = files.sort().flatMap((file) => loadAll(readFileSync(join(sources, file), "utf8")) as Stored[]);
  const servers = objects.filter((object) => object?.kind === kind);
  const specs = new Map(servers.map(({ spec }, index) => [`${prefix}-${index}`, { ...spec, paused: true }]));
  for (const [name, spec] of specs) await store.applyServer(name, spec);
  return specs;
}

/** Every stored server is served, and what is served could be written again; names those that have lost something. */
async function allAreAccepted(specs: Map<string, SpecInput>): Promise<string[]> {
  const path = collectionPath(mcpServers, store.namespace);
  const lost: string[] = [];
  for (const [name, spec] of specs) {
    const served = (await store.server(name)) as unknown as Stored;
    const body = { ...served, metadata: { name: `${name}-again` }, status: undefined };
    await store.client.json({ method: "POST", path, body, query: { dryRun: "All", fieldValidation: "Strict" } });
    const fields = Object.keys(spec).filter((field) => !(field in served.spec));
    lost.push(...fields.map((field) => `${name}: ${field}`));
  }
  return lost;
}

/** The operators that run can make sense of every stored server. */
async function allAreUnderstood(specs: Map<string, SpecInput>): Promise<void> {
  for (const name of specs.keys()) await store.condition(name, "Reconciling", { status: "False", reason: "Paused" });
}

let old: Map<string, SpecInput>;

test("servers of the previous release answer", async () => {
  // The tests of this tier have applied the present definition already, and not with Helm.
  const crds = ["--take-ownership", "--force-conflicts"];
  await helm.on("install", "anypod-crds", system, packages.previous.of("anypod-crds"), ...crds);
  await helm.on("install", "anypod", system, packages.previous.of("anypod"), ...previousImage);
  for (const { kube, name, spec } of shops) await kube.applyServer(name, spec);
  old = await storeAll(previous.folder, "old");
  expect(old.size).toBeGreaterThan(20);
  for (const { kube, name } of shops) await kube.condition(name, "Ready", { status: "True" }, 120);
  await Promise.all(shops.map(startLoad));
  await allAreUnderstood(old);
  await quiet();
});

test("the definition comes first: it takes all that is stored, and the previous operators go on", async () => {
  await helm.on("upgrade", "anypod-crds", system, packages.present.of("anypod-crds"));
  expect(await allAreAccepted(old)).toEqual([]);
  await scales(3);
  await loadGoesOn();
});

test("the new operators take over without a lost call, and without a fight with the old ones", async () => {
  const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  await operatorsBecome(`localhost/anypod:${version}`, () =>
    helm.on("upgrade", "anypod", system, packages.present.of("anypod"), ...presentImage),
  );
  await allAreUnderstood(old);
  await scales(2);
});

test("back again: the operators first, then the definition, which serves all that is stored", async () => {
  const present = await storeAll(root, "new");
  await allAreUnderstood(present);
  await operatorsBecome(`localhost/anypod:${previousTag}`, () => helm.on("rollback", "anypod", system, "1"));
  await helm.on("rollback", "anypod-crds", system, "1");
  const lost = await allAreAccepted(present);
  console.log(`fields that the previous definition doesn't have: ${lost.join(", ") || "none"}`);
  // What was served before goes on being told by watches: docs/upgrade.md.
  if (lost.length > 0) await restartOperators();
  await allAreUnderstood(new Map([...old, ...present]));
  await scales(3);
  await loadGoesOn();
});

test("no call was lost on the way", async () => {
  for (const { driver } of shops) {
    const { calls, failed, errors } = await driver.stopLoad();
    expect({ failed, errors }).toEqual({ failed: 0, errors: [] });
    expect(calls).toBeGreaterThan(500);
  }
});
