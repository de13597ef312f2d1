// Stores of tasks that are there already, real ones: what is wrong with each, what becomes of pods meanwhile, and of the
// servers beside it.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { startKubelet } from "../chaos/kubelet.ts";
import { freePorts } from "../cluster/ports.ts";
import type { Engine } from "../stores/engine.ts";
import { makePostgres } from "../stores/postgresql.ts";
import { makeRedis } from "../stores/redis.ts";
import { operatorRequests } from "../support/audit.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { formsOf, saidBy } from "../support/said.ts";
import { eventually, untilQuiet } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const engineNames = ["redis", "postgresql"] as const;
type EngineName = (typeof engineNames)[number];

let kube: TestKube;
let operator: RunningOperator;
let kubelet: { stop(): Promise<void> };
const engines = new Map<EngineName, Engine>();
const engineOf = (name: EngineName) => engines.get(name)!;

beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"));
  operator = await startOperator(inject("operator").kubeconfig, "--probe", "--metrics-bind-address", "127.0.0.1:0");
  kubelet = startKubelet(kube.client, kube.namespace);
  for (const [name, make] of [
    ["redis", makeRedis],
    ["postgresql", makePostgres],
  ] as const) {
    engines.set(name, await make());
    await engineOf(name).start();
    await secret(`good-${name}`, { url: engineOf(name).url() });
    await kube.applyServer(`neighbour-${name}`, by(name, `good-${name}`));
  }
  for (const name of engineNames) await kube.condition(`neighbour-${name}`, "Ready", { status: "True" }, 60);
}, 300_000);
afterAll(async () => {
  await operator.stop();
  await kubelet.stop();
  for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
});

/** Makes the Secret have these entries. */
const secret = (name: string, entries: Record<string, string>) =>
  kube.client.json({
    method: "PATCH",
    path: `/api/v1/namespaces/${kube.namespace}/secrets/${name}`,
    query: { fieldManager: "user", force: true },
    contentType: "application/apply-patch+yaml",
    body: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      data: Object.fromEntries(
        Object.entries(entries).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
      ),
    },
  });

/** A server with the store at the URL in this Secret. */
function by(engine: EngineName, name: string, withCa = false): SpecInput {
  const secretKeyRef = { name, key: "url" };
  const url = withCa ? { secretKeyRef, caSecretKeyRef: { name, key: "ca.crt" } } : { secretKeyRef };
  return { image, replicas: 1, taskStore: engine === "redis" ? { redis: { url } } : { postgresql: { url } } };
}

const storeIs = (server: string, reason: string, seconds?: number) =>
  kube.condition(
    server,
    "TaskStoreReady",
    { status: reason === "TaskStoreAnswers" ? "True" : "False", reason },
    seconds,
  );
const deploymentOf = (server: string) => kube.get("Deployment", server);
const hashOf = async (server: string) =>
  (await deploymentOf(server))?.spec.template.metadata.annotations["anypod.dev/config-hash"];
/** Names and uids of a server's pods. */
const podsOf = async (server: string) => {
  const { items } = await kube.client.json<{ items: { metadata: { name: string; uid: string } }[] }>({
    path: `/api/v1/namespaces/${kube.namespace}/pods`,
    query: { labelSelector: `anypod.dev/server=${server}` },
  });
  return items.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort();
};
const quiet = () => untilQuiet(() => operatorRequests(inject("auditLog"), kube.namespace).length);

interface Wrong {
  reason: string;
  /** What the Secret has; nothing: there is none. */
  entries?: (engine: Engine, name: EngineName) => Record<string, string> | Promise<Record<string, string>>;
  withCa?: boolean;
  says: RegExp;
}
const pem = (file: string) => readFileSync(file, "utf8");
const wrongs: Record<string, Wrong> = {
  "a Secret that isn't there": { reason: "SecretNotFound", says: /isn't in namespace .* names it: create it/ },
  "a key that isn't there": {
    reason: "SecretKeyNotFound",
    entries: () => ({ uri: "x" }),
    says: /has no key url, .*: add it, or correct the spec/,
  },
  "a wrong scheme": {
    reason: "InvalidURL",
    entries: (_, name) => ({ url: engineOf(name === "redis" ? "postgresql" : "redis").url() }),
    says: /it begins with (redis|postgresql):\/\/ and not with/,
  },
  "a password that is refused": {
    reason: "LoginRefused",
    entries: (engine) => ({ url: engine.url({ password: "canary-not-the-password" }) }),
    says: /refuses the login .*: correct user and password in the Secret/,
  },
  "a port where nobody listens": {
    reason: "TaskStoreUnreachable",
    entries: async (engine) => ({ url: engine.url().replace(/:\d+\//, `:${(await freePorts(1))[0]}/`) }),
    says: /can't be reached from the operator \(ECONNREFUSED\): check its host and port/,
  },
  "a certificate of another CA": {
    reason: "CertificateRefused",
    entries: (engine) => ({ url: engine.url({ tls: "localhost" }), "ca.crt": pem(engine.otherCa) }),
    withCa: true,
    says: /certificate that can't be trusted .*: name the CA that it comes from in caSecretKeyRef/,
  },
};
const every = engineNames.flatMap((engine) =>
  Object.entries(wrongs).map(([what, wrong], index) => ({ engine, what, wrong, server: `${engine}-${index}` })),
);

describe("while something is wrong with the store, no pod is made, and a condition says what: of", () => {
  beforeAll(async () => {
    for (const { engine, server, wrong } of every) {
      if (wrong.entries) await secret(server, await wrong.entries(engineOf(engine), engine));
      await kube.applyServer(server, by(engine, server, wrong.withCa));
    }
  });

  test.each(every)("$engine, $what", async ({ server, wrong }) => {
    const { message } = await storeIs(server, wrong.reason, 60);
    expect(message).toMatch(wrong.says);
    expect(await kube.condition(server, "Ready", { status: "False", reason: wrong.reason })).toMatchObject({ message });
    expect(await deploymentOf(server)).toBeUndefined();
    expect(await kube.get("Service", server)).toBeDefined();
  });

  test("other servers stay as they are", async () => {
    const before = await Promise.all(engineNames.map((name) => kube.server(`neighbour-${name}`)));
    await quiet();
    for (const { metadata, status } of before) {
      expect((await kube.server(metadata.name)).status).toEqual(status);
      await kube.condition(metadata.name, "Ready", { status: "True" });
    }
  });
});

describe("when it is put right, all comes up: of", () => {
  beforeAll(async () => {
    for (const { engine, server, wrong } of every) {
      const { ca } = engineOf(engine);
      const entries = wrong.withCa
        ? { url: engineOf(engine).url({ tls: "localhost" }), "ca.crt": pem(ca) }
        : { url: engineOf(engine).url() };
      await secret(server, entries);
    }
  });

  test.each(every)("$engine, $what", async ({ server }) => {
    await storeIs(server, "TaskStoreAnswers", 60);
    await kube.condition(server, "Ready", { status: "True" }, 60);
    await kube.remove("McpServer", server);
  });
});

test("a store that stops and comes back is told of, and pods are left alone", async () => {
  const seen = await Promise.all(
    engineNames.map(async (name) => {
      const server = `neighbour-${name}`;
      const before = await storeIs(server, "TaskStoreAnswers");
      const [pods, { generation } = {}] = [await podsOf(server), (await deploymentOf(server))?.metadata];
      await engineOf(name).stop();
      // An answer is good for a minute.
      const down = await storeIs(server, "TaskStoreUnreachable", 120);
      await engineOf(name).start();
      const back = await storeIs(server, "TaskStoreAnswers", 60);
      const after = { pods: await podsOf(server), generation: (await deploymentOf(server))?.metadata.generation };
      return {
        times: [before, down, back].map((each) => each.lastTransitionTime),
        before: { pods, generation },
        after,
      };
    }),
  );
  for (const { times, before, after } of seen) {
    expect(after).toEqual(before);
    expect(new Set(times).size).toBe(3);
    expect(times.toSorted()).toEqual(times);
  }
}, 300_000);

test.each(engineNames)("a changed URL in the Secret rolls pods over to it once (%s)", async (engine) => {
  await secret("changing", { url: engineOf(engine).url() });
  await kube.applyServer("changing", by(engine, "changing"));
  await kube.condition("changing", "Ready", { status: "True" }, 60);
  await quiet();
  const [before, hash] = [await deploymentOf("changing"), await hashOf("changing")];
  await secret("changing", { url: `${engineOf(engine).url()}?x=1` });
  await eventually("the pods' template follows", async () => (await hashOf("changing")) !== hash);
  await quiet();
  expect((await deploymentOf("changing"))?.metadata.generation).toBe(before!.metadata.generation! + 1);
  await storeIs("changing", "TaskStoreAnswers");
  await kube.remove("McpServer", "changing");
  await eventually("it is gone", async () => !(await deploymentOf("changing")), 80);
});

describe("the store of another server", () => {
  const ref = (name: string): SpecInput => ({ image, replicas: 1, taskStore: { ref: { name } } });

  test("is waited for, is followed, and its Secret's changes are", async () => {
    await kube.applyServer("borrower", ref("lender"));
    expect((await storeIs("borrower", "TaskStoreNotFound")).message).toMatch(
      /names McpServer lender, which isn't in namespace .*: create it, or correct the spec/,
    );
    await kube.applyServer("lender", { image, replicas: 1 });
    await eventually("it says that the other one has none", async () =>
      (await storeIs("borrower", "TaskStoreNotFound")).message.includes("has no store of its own: give it one"),
    );
    expect(await deploymentOf("borrower")).toBeUndefined();

    await secret("lent", { url: engineOf("redis").url() });
    await kube.applyServer("lender", by("redis", "lent"));
    await kube.condition("borrower", "Ready", { status: "True" }, 60);
    expect((await storeIs("borrower", "TaskStoreAnswers")).message).toBe("The store of McpServer lender takes calls.");
    const { env } = (await deploymentOf("borrower"))!.spec.template.spec.containers[0];
    expect(env).toContainEqual({
      name: "MCP_TASK_STORE_URL",
      valueFrom: { secretKeyRef: { name: "lent", key: "url" } },
    });
    expect(env).toContainEqual({ name: "MCP_TASK_STORE_PREFIX", value: `${kube.namespace}/borrower:` });

    const hash = await hashOf("borrower");
    await secret("lent", { url: engineOf("redis").url({ password: "canary-not-the-password" }) });
    const { message } = await storeIs("borrower", "LoginRefused", 60);
    expect(message).toMatch(/^The store of McpServer lender: Redis at the URL in Secret lent/);
    await eventually("the borrower's pods roll, too", async () => (await hashOf("borrower")) !== hash);
    await secret("lent", { url: engineOf("redis").url() });
    await storeIs("borrower", "TaskStoreAnswers", 60);
  });

  test("is the other's as long as that one is paused", async () => {
    await kube.applyServer("lender", { ...by("redis", "lent"), paused: true });
    await kube.condition("lender", "Reconciling", { status: "False", reason: "Paused" });
    await quiet();
    await storeIs("borrower", "TaskStoreAnswers");
  });

  test("that goes away leaves pods as they are, and says so", async () => {
    const before = [await hashOf("borrower"), await podsOf("borrower")];
    await kube.remove("McpServer", "lender");
    await storeIs("borrower", "TaskStoreNotFound");
    await quiet();
    expect([await hashOf("borrower"), await podsOf("borrower")]).toEqual(before);
  });
});

// The last: it is about all of the above.
test("no password is in anything that was said", async () => {
  const said = await saidBy(operator, kube);
  expect(said).toContain("LoginRefused");
  for (const password of [engineOf("redis").password, engineOf("postgresql").password, "canary-not-the-password"])
    for (const form of formsOf(password)) expect(said.includes(form), form).toBe(false);
});
