import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Condition, SpecInput, Status } from "../../operator/api/mcpserver.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import { computeStatus, type StatusInput } from "../../operator/status/index.ts";
import type { DeploymentState, MissingReference, Obstacle, PodProblem } from "../../operator/status/observed.ts";
import { mcpServer, serverOf } from "../support/arbitraries.ts";

const now = "2026-01-02T03:04:05.000Z";
const running: DeploymentState = {
  desired: 2,
  ownsReplicas: true,
  current: true,
  replicas: 2,
  updated: 2,
  ready: 2,
  available: 2,
  configHash: "hash",
  deadlineExceeded: false,
  replicaFailure: undefined,
};

/** Evidence of a server with two pods that is as it should be, changed as told. */
function input(
  change: Partial<StatusInput> & { spec?: Partial<SpecInput>; main?: Partial<DeploymentState> } = {},
): StatusInput {
  const { spec = {}, main = {}, ...rest } = change;
  const server = serverOf("basket", { image: "basket", replicas: 2, ...spec }, "uid");
  const pools = poolsOf(server);
  return {
    server: { metadata: server.metadata, spec: server.spec, problems: [], status: {} },
    pools,
    obstacles: [],
    missing: [],
    podProblems: [],
    deployments: new Map(
      pools.map(({ objectName, name }) => [objectName, { ...running, ...(name === "main" && main) }]),
    ),
    now,
    ...rest,
  };
}
const condition = ({ conditions = [] }: Status, type: string) =>
  conditions.find((each) => each.type === type) as Condition;
const summary = (status: Status) => {
  const ready = condition(status, "Ready");
  const state = ["Stalled", "Reconciling"].filter((type) => condition(status, type).status === "True").join("+");
  return `${ready.status} ${ready.reason}${state && ` ${state}`}`;
};
const computed = (change?: Parameters<typeof input>[0]) => computeStatus(input(change));

const obstacle = (why: Obstacle["why"]): Obstacle => ({ kind: "Service", name: "basket", why, message: "spec.x: bad" });
const crash: PodProblem = {
  pod: "basket-1",
  pool: "main",
  createdAt: "2026-01-01T00:00:00Z",
  container: "server",
  reason: "CrashLoopBackOff",
  message: "back-off.",
  exitCode: 3,
};
const missingSecret: MissingReference = { kind: "Secret", name: "database", use: "environment" };
const problem = { field: "pools[0].x", message: "unknown field", path: ["pools", 0, "x"] };
const invalid = (more = 0) => {
  const base = input();
  return {
    server: { ...base.server, spec: undefined, problems: Array(more + 1).fill(problem) },
    pools: [],
    deployments: new Map(),
  };
};

describe("a server", () => {
  test("whose pods run what the spec says is ready, and says where it is", () => {
    const status = computed();
    expect(summary(status)).toBe("True Ready");
    expect(status).toMatchObject({
      observedGeneration: 1,
      url: "http://basket.shop.svc/mcp",
      replicas: 2,
      readyReplicas: 2,
      selector: "anypod.dev/server=basket,anypod.dev/pool=main",
      pools: [{ name: "main", replicas: 2, readyReplicas: 2 }],
    });
  });

  test.each<[string, Parameters<typeof input>[0], string]>([
    ["that was just made is reconciling", { deployments: new Map() }, "False RollingOut Reconciling"],
    [
      "whose Deployment's controller is behind is reconciling",
      { main: { current: false } },
      "False RollingOut Reconciling",
    ],
    ["with pods of an older version is reconciling", { main: { updated: 1 } }, "False RollingOut Reconciling"],
    ["with too few pods that answer is reconciling", { main: { available: 1 } }, "False RollingOut Reconciling"],
    [
      "with a namespace that goes is stalled",
      { obstacles: [obstacle("terminating")] },
      "False NamespaceTerminating Stalled",
    ],
    [
      "with somebody else's object in its place is stalled",
      { obstacles: [obstacle("foreign")] },
      "False NotOwned Stalled",
    ],
    ["whose object is refused is stalled", { obstacles: [obstacle("rejected")] }, "False Rejected Stalled"],
    [
      "with an earlier server's object in its place waits",
      { obstacles: [obstacle("leaving")] },
      "False WaitingForDeletion Reconciling",
    ],
    [
      "with a kind that isn't installed waits for it",
      { obstacles: [obstacle("absent")] },
      "False ServiceNotInstalled Reconciling",
    ],
    [
      "at whose objects the API server keeps failing waits",
      { obstacles: [obstacle("failing")] },
      "False WritesFail Reconciling",
    ],
    ["without a Secret that it needs waits", { missing: [missingSecret] }, "False SecretNotFound Reconciling"],
    [
      "without a ConfigMap that it needs waits",
      { missing: [{ ...missingSecret, kind: "ConfigMap" }] },
      "False ConfigMapNotFound Reconciling",
    ],
    [
      "whose pod crashes says so",
      { podProblems: [crash], main: { available: 1 } },
      "False CrashLoopBackOff Reconciling",
    ],
    [
      "whose pods can't be made says so",
      { main: { replicaFailure: "quota", available: 0, replicas: 0, updated: 0 } },
      "False PodsNotCreated Reconciling",
    ],
    [
      "whose rollout is stuck is stalled",
      { main: { deadlineExceeded: true, updated: 1 } },
      "False ProgressDeadlineExceeded Stalled",
    ],
    ["with a spec that an older schema let in is stalled", invalid(), "False InvalidSpec Stalled"],
    [
      "scaled to zero is ready, and doesn't answer",
      { spec: { replicas: 0 }, main: { desired: 0, replicas: 0, updated: 0, ready: 0, available: 0 } },
      "True ScaledToZero",
    ],
    [
      "that an autoscaler scales up just now is ready",
      { spec: { replicas: undefined }, main: { desired: 5, replicas: 5, updated: 5, available: 3 } },
      "True Ready",
    ],
    ["that is paused is not reconciling", { spec: { paused: true }, main: { updated: 1 } }, "False RollingOut"],
  ])("%s", (_, change, expected) => {
    expect(summary(computed(change))).toBe(expected);
  });

  test.each<[string, Parameters<typeof input>[0], string]>([
    ["a bad spec before all", { ...invalid(), obstacles: [obstacle("foreign")] }, "InvalidSpec"],
    [
      "a namespace that goes before an object of somebody's",
      { obstacles: [obstacle("leaving"), obstacle("rejected"), obstacle("foreign"), obstacle("terminating")] },
      "NamespaceTerminating",
    ],
    [
      "an object of somebody's before a refused one",
      { obstacles: [obstacle("rejected"), obstacle("foreign")] },
      "NotOwned",
    ],
    [
      "an obstacle before a stuck rollout",
      { obstacles: [obstacle("leaving")], main: { deadlineExceeded: true } },
      "WaitingForDeletion",
    ],
    [
      "a stuck rollout before what is missing",
      { main: { deadlineExceeded: true }, missing: [missingSecret] },
      "ProgressDeadlineExceeded",
    ],
    [
      "what is missing before the pod that misses it",
      { missing: [missingSecret], podProblems: [{ ...crash, reason: "CreateContainerConfigError" }] },
      "SecretNotFound",
    ],
    [
      "a pod's problem before its Deployment's",
      { podProblems: [crash], main: { replicaFailure: "quota" } },
      "CrashLoopBackOff",
    ],
    [
      "what keeps pods from being made before the rollout that waits for them",
      { main: { replicaFailure: "quota", updated: 0 } },
      "PodsNotCreated",
    ],
  ])("shows the cause before its effect: %s", (_, change, reason) => {
    expect(condition(computed(change), "Ready").reason).toBe(reason);
  });

  test.each<[string, Parameters<typeof input>[0], string[]]>([
    ["of a bad spec name the field and count the others", invalid(2), ["spec.pools[0].x: unknown field (and 2 more)"]],
    [
      "of somebody's object say what to do",
      { obstacles: [obstacle("foreign")] },
      ["Service basket", "left alone", "delete or rename it"],
    ],
    [
      "of a refusal say what the API server said",
      { obstacles: [obstacle("rejected")] },
      ["Service basket", "spec.x: bad"],
    ],
    [
      "of a missing Secret name it and its namespace",
      { missing: [missingSecret] },
      ["Secret database", "namespace shop", "create it"],
    ],
    [
      "of a missing pull secret say what it is for",
      { missing: [{ ...missingSecret, use: "imagePull" }] },
      ["imagePullSecrets", "database"],
    ],
    [
      "of a crash give the exit code and the command to look",
      { podProblems: [crash] },
      ["basket-1", "exit code 3", "kubectl -n shop logs --previous basket-1"],
    ],
    [
      "of a bad image say which field to check",
      { podProblems: [{ ...crash, reason: "ImagePullBackOff" }] },
      ["spec.image", "kubectl -n shop describe pod basket-1"],
    ],
    [
      "of full nodes say what helps",
      { podProblems: [{ ...crash, container: "", reason: "Unschedulable" }] },
      ["Pod basket-1", "spec.resources.requests"],
    ],
    [
      "of a quota say what Kubernetes said",
      { main: { replicaFailure: "exceeded quota: pods" } },
      ["pool main", "exceeded quota: pods"],
    ],
    [
      "of a stuck rollout give the cause",
      { main: { deadlineExceeded: true }, podProblems: [crash] },
      ["pool main", "exit code 3"],
    ],
    ["of a stuck rollout without a cause give a hint", { main: { deadlineExceeded: true } }, ["spec.port"]],
    ["of a rollout name the pool", { main: { updated: 1 } }, ["pool main"]],
  ])("has messages that, %s", (_, change, parts) => {
    const { message } = condition(computed(change), "Ready");
    for (const part of parts) expect(message).toContain(part);
  });

  test("names one and the same of several pods with problems", () => {
    const other = { ...crash, pod: "basket-0" };
    const messages = [
      [crash, other],
      [other, crash],
    ].map((podProblems) => condition(computed({ podProblems }), "Ready").message);
    expect(messages[0]).toContain("basket-0");
    expect(messages[1]).toBe(messages[0]);
  });

  test("names the newest pod with a problem: an old one may only be waiting to be replaced", () => {
    const newer = { ...crash, pod: "basket-9", createdAt: "2026-01-01T00:00:01Z" };
    for (const podProblems of [
      [crash, newer],
      [newer, crash],
    ])
      expect(condition(computed({ podProblems }), "Ready").message).toContain("basket-9");
  });

  test("doesn't change its words while pods come up one by one: every word is a write", () => {
    const statuses = [0, 1].map((available) =>
      condition(computed({ main: { available, ready: available, updated: 1 } }), "Ready"),
    );
    expect(statuses[0]).toEqual(statuses[1]);
  });

  test("has no url while nobody answers, and keeps it in a rollout", () => {
    expect(computed({ main: { available: 0 } }).url).toBeUndefined();
    expect(computed({ main: { available: 1, updated: 1 } }).url).toBe("http://basket.shop.svc/mcp");
  });

  test("is available when every pool has a pod that answers, and names the pool that has none", () => {
    const spec = { pools: [{ name: "slow" }] };
    expect(condition(computed({ spec }), "Available").status).toBe("True");
    const silent = condition(computed({ spec, main: { available: 0 } }), "Available");
    expect(silent).toMatchObject({ status: "False", reason: "NoPods" });
    expect(silent.message).toContain("pool main");
  });

  test("counts the pods of every pool, the main one first", () => {
    expect(computed({ spec: { pools: [{ name: "slow" }] }, main: { replicas: 3, ready: 1 } })).toMatchObject({
      replicas: 3,
      readyReplicas: 1,
      pools: [
        { name: "main", replicas: 3, readyReplicas: 1 },
        { name: "slow", replicas: 2, readyReplicas: 2 },
      ],
    });
  });

  test("tells in condition Reconciling that it is paused", () => {
    expect(condition(computed({ spec: { paused: true } }), "Reconciling")).toMatchObject({
      status: "False",
      reason: "Paused",
    });
  });
});

describe("transition times", () => {
  const earlier = "2025-01-01T00:00:00.000Z";
  const before = (status: Status) => ({
    conditions: (status.conditions ?? []).map((each) => ({ ...each, lastTransitionTime: earlier })),
  });
  const later = (first: StatusInput, second: StatusInput) =>
    computeStatus({ ...second, server: { ...second.server, status: before(computeStatus(first)) } });
  const times = (status: Status) =>
    Object.fromEntries((status.conditions ?? []).map((each) => [each.type, each.lastTransitionTime]));

  test("stay while a status stays, also when reason and message change", () => {
    const status = later(input({ missing: [missingSecret] }), input({ podProblems: [crash] }));
    expect(times(status)).toEqual({ Ready: earlier, Reconciling: earlier, Stalled: earlier, Available: earlier });
    expect(condition(status, "Ready").reason).toBe("CrashLoopBackOff");
  });

  test("move exactly where a status changes", () => {
    const status = later(input(), input({ missing: [missingSecret] }));
    expect(times(status)).toEqual({ Ready: now, Reconciling: now, Stalled: earlier, Available: earlier });
  });
});

describe("of any evidence", () => {
  const count = fc.integer({ min: 0, max: 3 });
  const maybeText = fc.option(fc.string(), { nil: undefined });
  const deployment: fc.Arbitrary<DeploymentState> = fc.record({
    desired: count,
    ownsReplicas: fc.boolean(),
    current: fc.boolean(),
    replicas: count,
    updated: count,
    ready: count,
    available: count,
    configHash: maybeText,
    deadlineExceeded: fc.boolean(),
    replicaFailure: maybeText,
  });
  const reason = fc.constantFrom("ErrImagePull", "CrashLoopBackOff", "Unschedulable", "SomethingNew");
  const createdAt = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
  const podProblem: fc.Arbitrary<PodProblem> = fc.record(
    {
      pod: fc.string(),
      pool: fc.string(),
      createdAt,
      container: fc.string(),
      reason,
      message: fc.string(),
      exitCode: count,
    },
    { requiredKeys: ["pod", "pool", "createdAt", "container", "reason", "message"] },
  );
  const anObstacle: fc.Arbitrary<Obstacle> = fc.record({
    kind: fc.constantFrom("Service", "Deployment"),
    name: fc.string(),
    why: fc.constantFrom("foreign", "leaving", "rejected", "terminating"),
    message: fc.string(),
  });
  const reference: fc.Arbitrary<MissingReference> = fc.record({
    kind: fc.constantFrom("Secret", "ConfigMap"),
    name: fc.string(),
    use: fc.constantFrom("environment", "imagePull"),
  });
  const few = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 2 });
  const old: fc.Arbitrary<Status> = fc.constantFrom(
    {},
    computeStatus(input()),
    computeStatus(input({ missing: [missingSecret] })),
  );
  const evidence: fc.Arbitrary<StatusInput> = fc
    .record({
      server: mcpServer,
      states: fc.array(fc.option(deployment), { maxLength: 5 }),
      obstacles: few(anObstacle),
      missing: few(reference),
      podProblems: few(podProblem),
      status: old,
      valid: fc.boolean(),
      generation: fc.integer({ min: 1, max: 1000 }),
    })
    .map(({ server, states, status, valid, generation, ...rest }) => {
      const pools = valid ? poolsOf(server) : [];
      const deployments = pools.flatMap(({ objectName }, index) =>
        states[index] ? [[objectName, states[index]] as const] : [],
      );
      const metadata = { ...server.metadata, generation };
      const spec = valid ? server.spec : undefined;
      return {
        ...rest,
        now,
        pools,
        deployments: new Map(deployments),
        server: { metadata, spec, status, problems: valid ? [] : [problem] },
      };
    });
  const laws = (check: (status: Status, from: StatusInput) => void) =>
    fc.assert(
      fc.property(evidence, (from) => {
        check(computeStatus(from), from);
      }),
      { numRuns: 300 },
    );
  const is = (status: Status, type: string) => condition(status, type).status === "True";

  test("a server that is ready is neither stalled nor reconciling", () => {
    laws((status) => {
      if (is(status, "Ready")) expect([is(status, "Stalled"), is(status, "Reconciling")]).toEqual([false, false]);
    });
  });

  test("a server is never stalled and reconciling, as kstatus has it", () => {
    laws((status) => expect(is(status, "Stalled") && is(status, "Reconciling")).toBe(false));
  });

  test("a server that isn't ready is stalled or reconciling, unless it is paused", () => {
    laws((status, { server }) => {
      if (!is(status, "Ready") && !server.spec?.paused)
        expect(is(status, "Stalled") || is(status, "Reconciling")).toBe(true);
    });
  });

  test("there are the four conditions, each once, with a reason in CamelCase, a message, a time and the generation", () => {
    laws((status, { server }) => {
      const { generation } = server.metadata;
      expect(status.observedGeneration).toBe(generation);
      expect(status.conditions?.map(({ type }) => type)).toEqual(["Ready", "Reconciling", "Stalled", "Available"]);
      for (const each of status.conditions ?? []) {
        expect(each.reason).toMatch(/^[A-Z][A-Za-z0-9]*$/);
        expect(each.message).not.toBe("");
        expect(each.message.length).toBeLessThanOrEqual(32_768);
        expect(Number.isNaN(Date.parse(each.lastTransitionTime))).toBe(false);
        expect(each.observedGeneration).toBe(generation);
      }
    });
  });

  test("times move exactly when their condition's status does", () => {
    laws((status, { server }) => {
      for (const { type, status: value, lastTransitionTime } of status.conditions ?? []) {
        const before = server.status.conditions?.find((each) => each.type === type);
        expect(lastTransitionTime).toBe(before?.status === value ? before.lastTransitionTime : now);
      }
    });
  });

  test("the same evidence gives the same status, and the status after that is the same again", () => {
    laws((status, from) => {
      expect(computeStatus(structuredClone(from))).toEqual(status);
      expect(computeStatus({ ...from, now: "2030-01-01T00:00:00.000Z", server: { ...from.server, status } })).toEqual(
        status,
      );
    });
  });

  test("there is a url exactly when the server is available", () => {
    laws((status, { server }) =>
      expect(status.url !== undefined).toBe(is(status, "Available") && server.spec !== undefined),
    );
  });
});
