// Stores of tasks that anypod makes: managed ones, and clusters that other operators would run. Their pods are played.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { keptAnnotation } from "../../operator/desired/object.ts";
import {
  cloudNativePgName,
  loginsSecretName,
  managedName,
  replicationName,
} from "../../operator/desired/task-store/names.ts";
import { startKubelet } from "../chaos/kubelet.ts";
import { operatorRequests } from "../support/audit.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { formsOf, saidBy } from "../support/said.ts";
import { eventually, untilQuiet } from "../support/wait.ts";
import { installOperators } from "./definitions.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
let kube: TestKube;
let operator: RunningOperator;

beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"));
  operator = await startOperator(inject("operator").kubeconfig, "--metrics-bind-address", "127.0.0.1:0");
});
afterAll(() => operator.stop());

const withStore = (taskStore: SpecInput["taskStore"]): SpecInput => ({
  image,
  replicas: 1,
  ...(taskStore && { taskStore }),
});
const redis = withStore({ redis: { managed: { retain: true } } });
const postgresql = withStore({ postgresql: { managed: {} } });
const storeIs = (server: string, status: "True" | "False", reason: string) =>
  kube.condition(server, "TaskStoreReady", { status, reason }, 60);
const statefulSet = (server: string, engine: "redis" | "postgresql") =>
  kube.get("StatefulSet", managedName(server, engine));
const core = (plural: string, name: string) => `/api/v1/namespaces/${kube.namespace}/${plural}/${name}`;
const quiet = () => untilQuiet(() => operatorRequests(inject("auditLog"), kube.namespace).length);
const claimOf = async (server: string, engine: "redis" | "postgresql") =>
  (await kube.client.json<AnyObject>({ path: core("persistentvolumeclaims", `data-${managedName(server, engine)}-0`) }))
    .metadata.uid;

/** Says of a pod what its kubelet would, as soon as there is one. */
const podSays = (pod: string, status: object) =>
  eventually(`pod ${pod} has its status`, () =>
    kube.client.json({
      method: "PATCH",
      path: `${core("pods", pod)}/status`,
      contentType: "application/strategic-merge-patch+json",
      body: { status },
    }),
  );
const ready = (status: "True" | "False") => ({
  phase: "Running",
  conditions: ["Ready", "ContainersReady"].map((type) => ({
    type,
    status,
    lastTransitionTime: new Date().toISOString(),
  })),
  containerStatuses: [],
});
const waiting = (reason: string, message: string, lastState = {}) => ({
  phase: "Pending",
  containerStatuses: [
    {
      name: "redis",
      image,
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { waiting: { reason, message } },
      lastState,
    },
  ],
});

describe("a managed store that", () => {
  const server = "managed";
  const pod = `${managedName(server, "redis")}-0`;
  beforeAll(() => kube.applyServer(server, redis));

  test("is starting lets no pod of the server start", async () => {
    expect((await storeIs(server, "False", "TaskStoreStarting")).message).toMatch(/pods are made when it answers/);
    await eventually("there is its pod", () => kube.client.json({ path: core("pods", pod) }));
    expect(await kube.get("Deployment", server)).toBeUndefined();
  });

  test.each<[string, object, string, RegExp]>([
    [
      "has no volume",
      {
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            lastTransitionTime: new Date().toISOString(),
          },
        ],
      },
      "VolumeNotBound",
      /storageClassName says\? See: kubectl get storageclass; kubectl -n \S+ describe pvc data-managed-redis/,
    ],
    [
      "has no image",
      { ...waiting("ImagePullBackOff", "not found"), conditions: [] },
      "ImagePullBackOff",
      /check spec.taskStore.redis.managed.version, and the operator's --redis-image/,
    ],
    [
      "ends again and again",
      waiting("CrashLoopBackOff", "back-off", {
        terminated: { exitCode: 1, message: "boring\nFATAL: it is broken\n", startedAt: null, finishedAt: null },
      }),
      "CrashLoopBackOff",
      /ended with exit code 1\): FATAL: it is broken\. .*logs --previous managed-redis/,
    ],
  ])("%s says so", async (_, status, reason, says) => {
    // The scheduler's own word of the pod goes for what this test says.
    await podSays(pod, { conditions: [{ type: "PodScheduled", status: "True", reason: null, message: null }] });
    await podSays(pod, status);
    expect((await storeIs(server, "False", reason)).message).toMatch(says);
    expect(await kube.get("Deployment", server)).toBeUndefined();
  });

  test("answers lets pods start", async () => {
    await podSays(pod, ready("True"));
    await storeIs(server, "True", "TaskStoreAnswers");
    await eventually("there are pods", () => kube.get("Deployment", server));
  });

  test("stops answering says what its probe says, and leaves pods alone", async () => {
    const before = await kube.get("Deployment", server);
    await kube.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${kube.namespace}/events`,
      body: {
        metadata: { name: "unhealthy" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace: kube.namespace, name: pod },
        reason: "Unhealthy",
        message: "Readiness probe failed: MISCONF Errors writing to the AOF file: No space left on device\n",
        type: "Warning",
      },
    });
    await podSays(pod, ready("False"));
    const { message } = await storeIs(server, "False", "VolumeFull");
    expect(message).toMatch(
      /The volume of Redis is full \(MISCONF .*device\): .*none is lost\. Make it larger: kubectl .*edit pvc/,
    );
    await quiet();
    expect((await kube.get("Deployment", server))?.metadata.uid).toBe(before?.metadata.uid);
    expect((await kube.get("Deployment", server))?.metadata.generation).toBe(before?.metadata.generation);
    await podSays(pod, ready("True"));
    await storeIs(server, "True", "TaskStoreAnswers");
  });

  test("loses its Secret gets another one, and both it and the server's pods follow", async () => {
    const hashes = async () => {
      const [store, pods] = [await statefulSet(server, "redis"), await kube.get("Deployment", server)];
      return [store, pods].map((each) => Object.values(each?.spec.template.metadata.annotations ?? {}).join());
    };
    const [logins, template] = await hashes();
    await kube.remove("Secret", loginsSecretName(server, "redis"));
    await eventually("both have other passwords", async () => {
      const [newLogins, newTemplate] = await hashes();
      return newLogins !== logins && newTemplate !== template;
    });
  });
});

describe("with all pods ready", () => {
  let kubelet: { stop(): Promise<void> };
  beforeAll(() => {
    kubelet = startKubelet(kube.client, kube.namespace);
  });
  afterAll(() => kubelet.stop());

  test("switching engines leaves the old one's volume and StatefulSet, without pods, until it is switched back", async () => {
    const server = "switching";
    await kube.applyServer(server, redis);
    await kube.condition(server, "Ready", { status: "True" }, 60);
    const claim = await claimOf(server, "redis");
    const old = await statefulSet(server, "redis");

    await kube.applyServer(server, postgresql);
    await eventually("Redis has no pods", async () => (await statefulSet(server, "redis"))?.spec.replicas === 0);
    await kube.condition(server, "Ready", { status: "True" }, 60);
    expect((await statefulSet(server, "postgresql"))?.spec.replicas).toBe(1);
    for (const kind of ["Service", "NetworkPolicy"])
      await eventually(`Redis' ${kind} is gone`, async () => !(await kube.get(kind, managedName(server, "redis"))));
    await quiet();
    expect((await statefulSet(server, "redis"))?.metadata.uid).toBe(old?.metadata.uid);
    expect(await claimOf(server, "redis")).toBe(claim);

    await kube.applyServer(server, redis);
    await eventually("Redis has a pod", async () => (await statefulSet(server, "redis"))?.spec.replicas === 1);
    await eventually("PostgreSQL has none", async () => (await statefulSet(server, "postgresql"))?.spec.replicas === 0);
    await kube.condition(server, "Ready", { status: "True" }, 60);
    expect(await claimOf(server, "redis")).toBe(claim);

    await kube.applyServer(server, withStore(undefined));
    await eventually("none has pods", async () => (await statefulSet(server, "redis"))?.spec.replicas === 0);
    await quiet();
    expect((await kube.server(server)).status?.conditions?.map(({ type }) => type)).not.toContain("TaskStoreReady");
    expect(await statefulSet(server, "postgresql")).toBeDefined();
  });

  test("what a live store can't change is refused, with the steps", async () => {
    const server = "live";
    const managed = { storage: "2Gi", storageClassName: "slow", version: "17.6" };
    await kube.applyServer(server, withStore({ postgresql: { managed } }));
    const refusal = (change: object) =>
      kube.applyServer(server, withStore({ postgresql: { managed: { ...managed, ...change } } })).then(
        () => "",
        ({ message }: Error) => message,
      );
    expect(await refusal({ storage: "3Gi" })).toMatch(
      /managed.storage: .*size can't be changed here \(docs\/task-stores.md has the steps\)/,
    );
    expect(await refusal({ storageClassName: "fast" })).toMatch(
      /managed.storageClassName: .*class can't be changed here \(docs\/task-stores.md/,
    );
    expect(await refusal({ version: "18.1" })).toMatch(
      /managed.version: .*keep the version's first number \(docs\/task-stores.md/,
    );
    expect(await refusal({ version: "17.7-trixie", rotateEvery: "720h" })).toBe("");
  });

  test("a volume that is kept is told of when the server goes, and another one isn't", async () => {
    await kube.applyServer("forgetful", withStore({ redis: { managed: {} } }));
    await kube.condition("forgetful", "Ready", { status: "True" }, 60);
    await kube.remove("McpServer", "forgetful");
    await kube.remove("McpServer", "switching");
    await kube.applyServer("keeping", redis);
    await kube.condition("keeping", "Ready", { status: "True" }, 60);
    await kube.remove("McpServer", "keeping");
    const note = (await eventNamed("keeping", "TasksKept"))?.note;
    const claim = `data-${managedName("keeping", "redis")}-0`;
    expect(note).toMatch(
      new RegExp(`PersistentVolumeClaim ${claim}, stays.*kubectl -n ${kube.namespace} delete pvc ${claim}`),
    );
    expect(await eventsOf("forgetful", "TasksKept")).toEqual([]);
  });
});

async function eventsOf(server: string, reason: string): Promise<AnyObject[]> {
  const { items } = await kube.client.json<{ items: AnyObject[] }>({
    path: `/apis/events.k8s.io/v1/namespaces/${kube.namespace}/events`,
  });
  return items.filter((each) => each.regarding.name === server && each.reason === reason);
}
const eventNamed = (server: string, reason: string) =>
  eventually(`an event tells ${reason} of ${server}`, async () => (await eventsOf(server, reason))[0]);

describe("a cluster of another operator", () => {
  const cloudNativePg = withStore({ postgresql: { cloudNativePg: {} } });
  const replication = withStore({ redis: { replication: {} } });
  let uninstall = async () => {};
  afterAll(() => uninstall());

  test("whose kind isn't installed is waited for, and noticed when it is", async () => {
    await kube.applyServer("pg", cloudNativePg);
    await kube.applyServer("rr", replication);
    expect((await storeIs("pg", "False", "ClusterNotInstalled")).message).toMatch(/docs\/task-stores.md says which/);
    await kube.condition("pg", "Ready", { status: "False", reason: "ClusterNotInstalled" });
    await storeIs("rr", "False", "RedisReplicationNotInstalled");
    uninstall = await installOperators(kube);
    await eventually("there is a Cluster", () => kube.get("Cluster", cloudNativePgName("pg")), 60);
    await eventually("there is a RedisReplication", () => kube.get("RedisReplication", replicationName("rr")), 60);
    expect((await storeIs("pg", "False", "TaskStoreStarting")).message).toMatch(/has no primary that takes calls yet/);
  });

  test("lets pods start when its primary takes calls, and says what its operator says when not", async () => {
    const name = cloudNativePgName("pg");
    await kube.patch("Cluster", name, { status: { phase: "Setting up primary", readyInstances: 0 } });
    await eventually("it is told", async () =>
      (await storeIs("pg", "False", "TaskStoreStarting")).message.includes("It says: Setting up primary."),
    );
    expect(await kube.get("Deployment", "pg")).toBeUndefined();
    const status = { phase: "Cluster in healthy state", readyInstances: 1, currentPrimary: "a", targetPrimary: "a" };
    await kube.patch("Cluster", name, { status });
    await storeIs("pg", "True", "TaskStoreAnswers");
    await eventually("there are pods", () => kube.get("Deployment", "pg"));
    await kube.patch("Cluster", name, { status: { targetPrimary: "b" } });
    await storeIs("pg", "False", "TaskStoreStarting");
    await kube.patch("RedisReplication", replicationName("rr"), { status: { masterNode: "rr-0" } });
    await storeIs("rr", "True", "TaskStoreAnswers");
  });

  test("that is kept has no owner, nor has what it needs; it outlives the server, and an event tells of it", async () => {
    const kept = [
      { server: "pg", kind: "Cluster", name: cloudNativePgName("pg") },
      ...["RedisReplication", "RedisSentinel"].map((kind) => ({ server: "rr", kind, name: replicationName("rr") })),
      { server: "rr", kind: "Secret", name: loginsSecretName("rr", "replication") },
    ];
    const seen = () => Promise.all(kept.map(({ kind, name }) => kube.get(kind, name)));
    const before = await seen();
    for (const object of before) {
      expect(object?.metadata.ownerReferences).toBeUndefined();
      expect(object?.metadata.annotations?.[keptAnnotation]).toBe("true");
    }
    for (const server of ["pg", "rr"]) await kube.remove("McpServer", server);
    expect((await eventNamed("pg", "TasksKept")).note).toContain(
      `delete clusters.postgresql.cnpg.io ${cloudNativePgName("pg")}`,
    );
    expect((await eventNamed("rr", "TasksKept")).note).toContain("-l anypod.dev/server=rr,anypod.dev/role=replication");
    // Another server's pods would never get to it.
    await kube.applyServer("pg-2", cloudNativePg);
    await eventually("the other server has its own", () => kube.get("Cluster", cloudNativePgName("pg-2")));

    for (const [server, spec] of [
      ["pg", cloudNativePg],
      ["rr", replication],
    ] as const)
      await kube.applyServer(server, spec);
    await storeIs("rr", "True", "TaskStoreAnswers");
    await storeIs("pg", "False", "TaskStoreStarting");
    await quiet();
    for (const [index, object] of (await seen()).entries()) {
      expect(object?.metadata.uid).toBe(before[index]?.metadata.uid);
      expect(object?.data).toEqual(before[index]?.data);
    }
    await kube.condition("pg", "Stalled", { status: "False" });
  });

  test("of a server of another name is never taken over", async () => {
    const name = cloudNativePgName("thief");
    const labels = { "app.kubernetes.io/managed-by": "anypod", "anypod.dev/server": "robbed" };
    await kube.client.json({
      method: "POST",
      path: `/apis/postgresql.cnpg.io/v1/namespaces/${kube.namespace}/clusters`,
      body: {
        apiVersion: "postgresql.cnpg.io/v1",
        kind: "Cluster",
        metadata: { name, labels, annotations: { [keptAnnotation]: "true" } },
        spec: { instances: 7 },
      },
    });
    await kube.applyServer("thief", cloudNativePg);
    const { message } = await kube.condition("thief", "Stalled", { status: "True", reason: "NotOwned" });
    expect(message).toContain(`Cluster ${name} is there already`);
    expect((await kube.get("Cluster", name))?.spec).toEqual({ instances: 7 });
  });

  test("that needn't be kept is the server's, and is kept from when that is asked for", async () => {
    await kube.applyServer("pg", withStore({ postgresql: { cloudNativePg: { retain: false } } }));
    const owners = async () => (await kube.get("Cluster", cloudNativePgName("pg")))?.metadata.ownerReferences;
    const { uid } = (await kube.server("pg")).metadata;
    await eventually("it has an owner", async () => (await owners())?.[0]?.uid === uid);
    await kube.applyServer("pg", withStore({ postgresql: { cloudNativePg: { retain: true } } }));
    await eventually("it has none", async () => (await owners()) === undefined);
  });

  test("stays with all that it needs when the server switches to another store, even if it needn't be kept", async () => {
    const left = withStore({ redis: { replication: { retain: false } } });
    await kube.applyServer("rr", left);
    const name = replicationName("rr");
    const password = async () => (await kube.get("Secret", loginsSecretName("rr", "replication")))?.data;
    await eventually(
      "it has an owner",
      async () => (await kube.get("RedisReplication", name))?.metadata.ownerReferences,
    );
    const before = await password();
    await kube.applyServer("rr", redis);
    await eventually("the other store is there", () => statefulSet("rr", "redis"));
    await quiet();
    for (const kind of ["RedisReplication", "RedisSentinel"]) expect(await kube.get(kind, name)).toBeDefined();
    expect(await password()).toEqual(before);
    await kube.applyServer("rr", left);
    await storeIs("rr", "True", "TaskStoreAnswers");
    expect(await password()).toEqual(before);
  });
});

// The last: it is about all of the above.
test("no password that anypod made is in anything that was said", async () => {
  const logins = (await kube.list("Secret")).filter(({ data }) => data?.logins);
  expect(logins.length).toBeGreaterThan(2);
  const passwords = logins.flatMap(({ data }) => {
    const text = (entry: string) => Buffer.from(data[entry], "base64").toString();
    return [text("password"), ...text("keys").split(",")];
  });
  const said = await saidBy(operator, kube);
  expect(said).toContain("TaskStoreAnswers");
  for (const form of passwords.flatMap(formsOf)) expect(said.includes(form), form).toBe(false);
});
