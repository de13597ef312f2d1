// Servers without a store of tasks: whose pods are asked whether they make any, how often, and what becomes of the answer.
import { describe, expect, test } from "vitest";
import type { SpecInput, Status } from "../../operator/api/mcpserver.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import type { Question } from "../../operator/probe/answers.ts";
import { type Discovered, tasksExtension } from "../../operator/probe/discover.ts";
import type { AskContext } from "../../operator/reconcile/ask.ts";
import type { Child } from "../../operator/reconcile/observed.ts";
import { judgeStore } from "../../operator/reconcile/task-store.ts";
import { serverOf } from "../support/arbitraries.ts";

type Answer = Discovered | "no answer" | undefined;
const tasks: Answer = { extensions: [tasksExtension] };

interface Case {
  spec?: Partial<SpecInput>;
  answer?: Answer;
  /** Pods that take calls, in the main pool. */
  available?: number;
  /** Whether anybody is asked at all. */
  probe?: boolean;
  status?: Status;
}

async function judged({ spec = {}, answer, available = 2, probe = true, status = {} }: Case) {
  const asked: Question<Answer>[] = [];
  const woken: string[] = [];
  const server = serverOf("basket", { image: "basket", ...spec }, "uid");
  const pools = poolsOf(server);
  const deployment = { available, configHash: "config" };
  const own = pools.map(({ objectName }) => ({
    kind: "Deployment",
    name: objectName,
    desiredHash: "desired",
    deployment,
  }));
  const ask = (question: Question<Answer>) => {
    asked.push(question);
    return { answer, after: 42 };
  };
  const context = {
    answers: probe && ask,
    wake: (key: string) => woken.push(key),
  };
  const seen = { observed: { status }, server, pools, own: own as unknown as Child[], store: undefined };
  const verdict = await judgeStore(
    seen as unknown as Parameters<typeof judgeStore>[0],
    context as unknown as AskContext,
  );
  return { ...verdict, asked, woken };
}

describe("a server without a store", () => {
  test("whose pods make tasks, and which may have several, needs one", async () => {
    const { verdict, after } = await judged({ answer: tasks });
    expect(verdict).toMatchObject({ status: "False", reason: "TasksWithoutStore" });
    expect(after).toBe(42);
  });

  test.each<[string, Case]>([
    ["make none", { answer: { extensions: ["other.example/x"] } }],
    ["don't answer", { answer: "no answer" }],
    ["haven't been asked yet", {}],
  ])("whose pods %s is told of none", async (_, given) => {
    expect((await judged(given)).verdict).toBeUndefined();
  });

  test.each<[string, Case]>([
    ["has one pod at most", { spec: { replicas: 1 } }],
    ["has no pods", { spec: { replicas: 0 } }],
    ["has no pod that takes calls yet", { available: 0 }],
    ["is looked after by an operator that asks nobody", { probe: false }],
  ])("that %s isn't asked", async (_, given) => {
    const { asked, verdict } = await judged({ answer: tasks, ...given });
    expect(asked).toEqual([]);
    expect(verdict).toBeUndefined();
  });

  test.each<[string, Partial<SpecInput>]>([
    ["a second pod by hand", { replicas: 2 }],
    ["a second pod by an autoscaler", { autoscaling: { minReplicas: 1, maxReplicas: 2 } }],
    ["pods that somebody else counts", { autoscaling: { enabled: false } }],
    ["another pool", { replicas: 1, pools: [{ name: "a", replicas: 1 }] }],
  ])("that may have %s is asked", async (_, spec) => {
    expect((await judged({ spec, answer: tasks })).verdict?.reason).toBe("TasksWithoutStore");
  });

  test("is asked once for each version of its pods; who doesn't answer is asked again, and who does is woken for", async () => {
    const { asked, woken } = await judged({});
    const [{ id, version, lasts, answered } = {} as Question<Answer>] = asked;
    expect([id, version]).toEqual(["discover/uid", "desired/config"]);
    expect(lasts(tasks, 0)).toBe(Number.POSITIVE_INFINITY);
    // Soon at first: a new Service is nobody's way until names and proxies know of it.
    expect([0, 1, 20].map((again) => lasts("no answer", again))).toEqual([5000, 10_000, 300_000]);
    answered();
    expect(woken).toEqual(["shop/basket"]);
  });

  test("goes on being told of it while its new pods haven't answered", async () => {
    const told = (await judged({ answer: tasks })).verdict!;
    const before = { type: "TaskStoreReady", lastTransitionTime: "", observedGeneration: 1, ...told };
    const status = { conditions: [before] } as Status;
    expect((await judged({ status })).verdict).toEqual(told);
    expect((await judged({ status, answer: { extensions: [] } })).verdict).toBeUndefined();
    expect((await judged({ status, spec: { replicas: 1 } })).verdict).toBeUndefined();
  });
});
