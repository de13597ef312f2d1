// TaskStoreReady, source by source: what it says, and that it says what to do.
import { describe, expect, test } from "vitest";
import type { Condition } from "../../operator/api/mcpserver.ts";
import type { PodProblem, StoreAnswer, StoreObjectState, StoreState } from "../../operator/status/observed.ts";
import { type StoreVerdict, storeVerdict } from "../../operator/status/task-store.ts";

type Of<S extends StoreState["source"]> = Extract<StoreState, { source: S }>;
const good: StoreVerdict = { status: "True", reason: "TaskStoreAnswers", message: "It was well." };
const bad: StoreVerdict = { status: "False", reason: "LoginRefused", message: "It was refused." };
const told = (state: StoreState, before?: StoreVerdict) => storeVerdict(state, before);

/** The verdict is this, whatever was told before. */
function says(state: StoreState, reason: string, message: RegExp): void {
  const status = reason === good.reason ? "True" : "False";
  for (const before of [undefined, good, bad]) {
    expect(told(state, before)).toMatchObject({ status, reason });
    expect(told(state, before)?.message).toMatch(message);
  }
}

describe("a managed store", () => {
  const object: StoreObjectState = { ready: false, settled: true, said: "" };
  const managed = (change: Partial<Of<"managed">>): Of<"managed"> => ({
    source: "managed",
    namespace: "shop",
    engine: "redis",
    name: "basket-redis-x",
    object,
    problem: undefined,
    unready: undefined,
    began: false,
    ...change,
  });
  const problem = (change: Partial<PodProblem>): PodProblem => ({
    pod: "basket-redis-x-0",
    pool: "",
    createdAt: "2026-01-01T00:00:00Z",
    container: "redis",
    reason: "CrashLoopBackOff",
    message: "",
    ...change,
  });

  test.each<[string, Partial<Of<"managed">>, string, RegExp]>([
    [
      "takes calls",
      { object: { ...object, ready: true } },

      "TaskStoreAnswers",
      /^Redis \(StatefulSet basket-redis-x\) takes calls\.$/,
    ],
    [
      "isn't there yet",
      { object: undefined },

      "TaskStoreStarting",
      /is starting; pods are made when it answers/,
    ],
    ["starts", {}, "TaskStoreStarting", /is starting/],
    [
      "has gone down",
      { began: true },

      "TaskStoreDown",
      /has no pod that takes calls: kubectl -n shop describe pod basket-redis-x-0/,
    ],
    [
      "isn't ready, and says why",
      { began: true, unready: "LOADING" },

      "TaskStoreDown",
      /isn't ready: LOADING\. See: kubectl -n shop describe/,
    ],
    [
      "is full, as Redis says it",
      { began: true, unready: "MISCONF Errors" },

      "VolumeFull",
      /\(MISCONF Errors\).*none is lost\. Make it larger: kubectl -n shop edit pvc data-basket-redis-x-0 \(docs\/task-stores\.md/,
    ],
    [
      "is full, as PostgreSQL's probe says it",
      { engine: "postgresql", unready: "the volume is full" },

      "VolumeFull",
      /^The volume of PostgreSQL is full/,
    ],
    [
      "is full at its start",
      { problem: problem({ message: "write: No space left on device" }) },

      "VolumeFull",
      /No space left/,
    ],
    [
      "has no volume",
      { problem: problem({ reason: "Unschedulable", message: "pod has unbound immediate PersistentVolumeClaims" }) },

      "VolumeNotBound",
      /Is there a storage class as spec\.taskStore\.redis\.managed\.storageClassName says\? See: kubectl get storageclass; kubectl -n shop describe pvc data-basket-redis-x-0/,
    ],
    [
      "fits on no node",
      { problem: problem({ reason: "Unschedulable", message: "Insufficient memory." }) },

      "Unschedulable",
      /Insufficient memory\. make room on the nodes/,
    ],
    [
      "has no image",
      { problem: problem({ reason: "ImagePullBackOff", message: "not found" }) },

      "ImagePullBackOff",
      /check spec\.taskStore\.redis\.managed\.version, and the operator's --redis-image/,
    ],
    [
      "crashes",
      { problem: problem({ exitCode: 1, message: "FATAL: broken." }) },

      "CrashLoopBackOff",
      /\(it ended with exit code 1\): FATAL: broken\. see why it ends: kubectl -n shop logs --previous basket-redis-x-0/,
    ],
    [
      "fails in a way that nobody has words for",
      { problem: problem({ reason: "Weird" }) },

      "Weird",
      /see the pod: kubectl -n shop describe pod/,
    ],
    [
      "takes calls though one of its pods has a problem",
      { object: { ...object, ready: true }, problem: problem({}) },

      "TaskStoreAnswers",
      /takes calls/,
    ],
  ])("that %s", (_, change, reason, message) => says(managed(change), reason, message));
});

describe("a cluster of another operator", () => {
  const by = (change: Partial<Of<"operator">>): Of<"operator"> => ({
    source: "operator",
    namespace: "shop",
    kind: "Cluster",
    name: "basket-pg-x",
    installed: true,
    object: undefined,
    ...change,
  });
  const object = { ready: false, settled: true, said: "" };

  test.each<[string, Partial<Of<"operator">>, string, RegExp]>([
    [
      "whose kind isn't installed",
      { installed: false },

      "ClusterNotInstalled",
      /no kind Cluster.*install the operator that it comes with \(docs\/task-stores\.md/,
    ],
    [
      "isn't there yet",
      {},

      "TaskStoreStarting",
      /^Cluster basket-pg-x has no primary.* yet\. See: kubectl -n shop describe clusters\.postgresql\.cnpg\.io basket-pg-x$/,
    ],
    [
      "says why",
      { object: { ...object, said: "Setting up primary" } },

      "TaskStoreStarting",
      /yet\. It says: Setting up primary\. See/,
    ],
    [
      "takes calls",
      { object: { ...object, ready: true } },

      "TaskStoreAnswers",
      /^Cluster basket-pg-x takes calls\.$/,
    ],
    [
      "of Redis isn't there",
      { kind: "RedisReplication", name: "r" },

      "TaskStoreStarting",
      /describe redisreplication r$/,
    ],
  ])("that %s", (_, change, reason, message) => says(by(change), reason, message));
});

describe("a store by URL", () => {
  const url = (change: Partial<Of<"url">>): Of<"url"> => ({
    source: "url",
    namespace: "shop",
    engine: "postgresql",
    secret: { name: "tasks", key: "url" },
    lacks: undefined,
    answer: undefined,
    ...change,
  });
  const refused = (why: Exclude<StoreAnswer, { ok: true }>["why"]): StoreAnswer => ({ ok: false, why, said: "SAID" });

  test.each<[string, Partial<Of<"url">>, string, RegExp]>([
    [
      "has no Secret",
      { lacks: { name: "tasks" } },

      "SecretNotFound",
      /^Secret tasks isn't in namespace shop, and spec\.taskStore\.postgresql\.url names it: create it/,
    ],
    [
      "has no key",
      { lacks: { name: "tasks", key: "url" } },

      "SecretKeyNotFound",
      /has no key url, which spec\.taskStore\.postgresql\.url names: add it/,
    ],
    [
      "takes the login",
      { answer: { ok: true } },

      "TaskStoreAnswers",
      /^PostgreSQL at the URL in Secret tasks takes calls\.$/,
    ],
    [
      "isn't asked",
      { answer: "not asked" },

      "TaskStoreAnswers",
      /used as it is: the operator runs with --no-probe/,
    ],
    ["is no URL", { answer: refused("url") }, "InvalidURL", /\(key url\) can't be used: SAID\.$/],
    [
      "isn't reached",
      { answer: refused("unreachable") },

      "TaskStoreUnreachable",
      /\(SAID\): check its host and port, .*NetworkPolicies/,
    ],
    [
      "refuses the login",
      { answer: refused("refused") },

      "LoginRefused",
      /\(SAID\): correct user and password in the Secret/,
    ],
    [
      "isn't trusted",
      { answer: refused("certificate") },

      "CertificateRefused",
      /\(SAID\): name the CA that it comes from in caSecretKeyRef/,
    ],
    [
      "fails",
      { answer: refused("failing") },

      "TaskStoreFails",
      /answers with an error \(SAID\): look after the store/,
    ],
  ])("that %s", (_, change, reason, message) => says(url(change), reason, message));

  test("stands as before while it is asked; at first it is waited for", () => {
    expect(told(url({}), good)).toEqual(good);
    expect(told(url({}), bad)).toEqual(bad);
    expect(told(url({}))).toMatchObject({ status: "False", reason: "TaskStoreStarting", message: /being asked/ });
  });
});

describe("another server's store", () => {
  const condition = (status: "True" | "False", reason: string): Condition => ({
    type: "TaskStoreReady",
    status,
    reason,
    message: "As the other says.",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    observedGeneration: 1,
  });
  const ref = (change: Partial<Of<"ref">>): Of<"ref"> => ({
    source: "ref",
    namespace: "shop",
    name: "other",
    found: "found",
    condition: undefined,
    ...change,
  });

  test.each<[string, Partial<Of<"ref">>, string, RegExp]>([
    [
      "isn't there",
      { found: "missing" },

      "TaskStoreNotFound",
      /names McpServer other, which isn't in namespace shop: create it.*Pods stay as they are/,
    ],
    [
      "has none",
      { found: "without store" },

      "TaskStoreNotFound",
      /has no store of its own: give it one, or name the server that has it/,
    ],
    ["isn't looked at yet", {}, "TaskStoreStarting", /isn't there yet/],
    [
      "takes calls",
      { condition: condition("True", "TaskStoreAnswers") },

      "TaskStoreAnswers",
      /^The store of McpServer other takes calls\.$/,
    ],
    [
      "fails",
      { condition: condition("False", "LoginRefused") },

      "LoginRefused",
      /^The store of McpServer other: As the other says\.$/,
    ],
  ])("that %s", (_, change, reason, message) => says(ref(change), reason, message));
});

describe("no store at all", () => {
  const none = (makesTasks: boolean | undefined): StoreState => ({ source: "none", namespace: "shop", makesTasks });
  const without = storeVerdict(none(true), undefined);

  test("is wrong where tasks are made by several pods, and says what to do", () => {
    says(none(true), "TasksWithoutStore", /Give it a task store \(docs\/task-stores\.md\), or one pod\.$/);
  });

  test("is nothing to tell of where none are made", () => {
    for (const before of [undefined, good, bad, without]) expect(told(none(false), before)).toBeUndefined();
  });

  test("stands as it was told while nobody knows better, and a word on a store that is gone doesn't", () => {
    expect(told(none(undefined), without)).toEqual(without);
    for (const before of [undefined, good, bad]) expect(told(none(undefined), before)).toBeUndefined();
  });
});
