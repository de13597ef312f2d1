// Managed task stores with real pods: any pod goes on with any task, whatever becomes of the pod that made it, of the store and
// of its password. One story an engine, both at once.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { freePorts } from "../cluster/ports.ts";
import { basket as image } from "../support/images.ts";
import type { AnyObject } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { killsProcesses, postgresqlEngine, redisEngine, storeImageFlags, storeOf, type TestStore } from "./engines.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";
import { answerCard, cancel, get, pack, price, type Said, type Speaker, speaker } from "./tasks.ts";

// Two stories share two cores.
vi.setConfig({ testTimeout: 240_000 });

let world: PodWorld;
let kubectl: Kubectl;
let tasks: Speaker;
let metricsPort = 0;
beforeAll(async () => {
  [metricsPort = 0] = await freePorts(1);
  world = await podWorld(...storeImageFlags, "--metrics-bind-address", `127.0.0.1:${metricsPort}`);
  kubectl = kubectlIn(world.kube.namespace);
  tasks = speaker(world.driver);
});
afterAll(() => world.end());

/** Of a story: the stories run at once, their steps one after another. */
const step = (title: string, run: () => Promise<void>) => test(title, { concurrent: false }, run);

const replicas = 3;
const resources = { requests: { cpu: "10m", memory: "64Mi" } };
const urlOf = ({ status }: AnyObject) => `http://${status.podIP}:8080/mcp`;
const restarts = (pods: AnyObject[]) =>
  pods.flatMap(({ status }) => status.containerStatuses.map((each: AnyObject) => each.restartCount as number));
const readyAt = ({ status }: AnyObject) =>
  Date.parse(status.conditions.find(({ type }: AnyObject) => type === "Ready").lastTransitionTime);

describe.concurrent.each([redisEngine, postgresqlEngine])("$name", (engine) => {
  const name = engine.name;
  const spec = { image, replicas, resources, taskStore: engine.spec() };
  let store: TestStore;
  let url: string;

  step(
    "at the first start, under pod security `restricted`, the server's pods wait for the store, and nothing restarts",
    async () => {
      store = storeOf(world, kubectl, name, engine);
      await world.run(name, spec, replicas);
      const pods = await world.pods(name, replicas);
      const storePod = JSON.parse(await kubectl("get", "pod", (await store.pod()).name, "-o", "json")) as AnyObject;
      expect(restarts([...pods, storePod])).toEqual([0, 0, 0, 0]);
      for (const { metadata } of pods)
        expect(Date.parse(metadata.creationTimestamp ?? "")).toBeGreaterThanOrEqual(readyAt(storePod));
      await world.kube.condition(name, "TaskStoreReady", { status: "True", reason: "TaskStoreAnswers" });
      for (const { metadata } of pods)
        expect(await kubectl("logs", metadata.name ?? "")).not.toContain("can't be used");
      url = await world.url(name);
    },
  );

  step("a task is polled, updated and cancelled on other pods than the one that made it, which is killed", async () => {
    const [first, second, third] = (await world.pods(name, replicas)) as [AnyObject, AnyObject, AnyObject];
    const made = urlOf(first);
    const basket = await tasks.makeBasket(made);
    const make = (how: object) => tasks.makeTask(made, basket, how);
    const [working, asking, cancelled, done] = await Promise.all([
      make({ milliseconds: 10_000 }),
      make({ milliseconds: 0, with_card: true }),
      make({ milliseconds: 25_000, with_card: true }),
      make({ milliseconds: 0 }),
    ]);
    const stateOf = async (id: string, on: AnyObject) => (await tasks.task(urlOf(on), id)).status;
    expect(await stateOf(working, second)).toBe("working");
    await kubectl("delete", "pod", first.metadata.name, "--grace-period=0", "--force");
    expect(await stateOf(asking, third)).toBe("input_required");
    await tasks.ask(urlOf(second), [answerCard(asking, "Enjoy"), cancel(cancelled)]);
    expect(await stateOf(cancelled, third)).toBe("cancelled");
    const result = (id: string) => tasks.task(urlOf(third), id);
    const startedBy = first.metadata.name;
    expect(await result(done)).toMatchObject({ status: "completed", result: { structuredContent: { startedBy } } });
    expect(await result(asking)).toMatchObject({
      status: "completed",
      result: { structuredContent: { startedBy, card: "Enjoy" } },
    });
    const ended = () => tasks.task(urlOf(second), working).then(({ status }) => status === "completed");
    await eventually("the work ends, though its pod is gone", ended);
    await world.pods(name, replicas);
  });

  step(
    "the store is killed under a load of 200 tasks: none is lost, callers are told, pods don't restart",
    async () => {
      const pods = await world.pods(name, replicas);
      const { made, failures, go } = await taskLoad(url);
      await go(() => made.length < 100);
      // The second time, the kubelet lets ten seconds go by before it starts the engine again: nobody can wait that out.
      const before = await store.pod();
      await store.kill();
      await store.back(before);
      await store.kill();
      const { condition } = world.kube;
      const fell = condition(name, "TaskStoreReady", { status: "False" }, 60);
      const rose = fell.then(() => condition(name, "TaskStoreReady", { status: "True" }, 120));
      let isOver = false;
      const over = rose.finally(() => (isOver = true));
      await Promise.all([over, go(() => !isOver || made.length < 200)]);
      expect((await fell).reason).toMatch(/^(CrashLoopBackOff|TaskStoreDown|Error)$/);
      if (killsProcesses) expect(failures.length).toBeGreaterThan(0);
      for (const { result, error } of failures)
        expect(JSON.stringify(result ?? error)).toMatch(/task store can't be reached/);
      const found = await tasks.ask(url, made.map(get));
      expect(found.map(({ result }) => result?.status)).toEqual(made.map(() => "input_required"));
      const after = await world.pods(name, replicas);
      expect(after.map(({ metadata }) => metadata.uid)).toEqual(pods.map(({ metadata }) => metadata.uid));
      expect(restarts(after)).toEqual([0, 0, 0]);
    },
  );

  step("a password is renewed with one rollout, and without a lost task or call", async () => {
    const kept = await tasks.makeTask(url, await tasks.makeBasket(url), { with_card: true });
    const seen = new Set([await passwordsNow(name)].flat());
    const first = await used(name);
    const revision = () =>
      kubectl(
        "get",
        "deployment",
        name,
        "-o",
        "jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}",
      );
    const before = Number(await revision());
    await world.kube.applyServer(name, { ...spec, taskStore: engine.spec({ rotateEvery: "1m" }) });
    let answers: Said[] = [];
    await eventually(
      "another password is used",
      async () => {
        answers = answers.concat(await tasks.ask(url, Array(4).fill(price)));
        for (const each of await passwordsNow(name)) seen.add(each);
        return (await used(name)) !== first;
      },
      150,
    );
    // And so no third one comes while the test goes on.
    await world.kube.applyServer(name, spec);
    const rolled = eventually(
      "pods have rolled over",
      async () => {
        const done = await kubectl("rollout", "status", "deployment", name, "--watch=false");
        return done.includes("successfully") && Number(await revision()) > before;
      },
      120,
    );
    let rolling = true;
    void rolled.finally(() => (rolling = false)).catch(() => undefined);
    while (rolling) answers = answers.concat(await tasks.ask(url, Array(4).fill(price)));
    await rolled;
    await world.pods(name, replicas);
    expect(Number(await revision())).toBe(before + 1);
    expect(answers.filter(({ result }) => result?.structuredContent?.cents !== 175)).toEqual([]);
    expect((await tasks.task(url, kept)).status).toBe("input_required");
    expect(seen.size).toBeGreaterThan(1);

    await kubectl("delete", "secret", "-l", `anypod.dev/server=${name},anypod.dev/role=${name}`);
    await eventually("the deleted Secret is made anew", async () => {
      const now = await passwordsNow(name);
      return now.length > 0 && now.every((each) => !seen.has(each));
    });
    for (const each of await passwordsNow(name)) seen.add(each);
    const works = async () => (await tasks.task(url, kept)).status === "input_required";
    await world.kube.condition(name, "Ready", { status: "True" }, 120);
    await world.pods(name, replicas);
    await eventually("tasks are found with the new one", works, 60);
    const shown = await everythingShown(name, (await store.pod()).name);
    expect(shown.length).toBeGreaterThan(1000);
    for (const each of seen) {
      expect(shown.includes(each), "a password is shown").toBe(false);
      expect(shown.includes(Buffer.from(each).toString("base64").replace(/=+$/, "")), "a password is shown").toBe(
        false,
      );
    }
  });
});

/** Makes tasks that wait for an answer, ten at a time, for as long as it is told to. */
async function taskLoad(url: string) {
  const basket = await tasks.makeBasket(url);
  const made: string[] = [];
  const failures: Said[] = [];
  const batch = Array.from({ length: 10 }, () => pack(basket, { milliseconds: 0, with_card: true }));
  const go = async (goesOn: () => boolean) => {
    while (goesOn()) {
      const answers = await tasks.ask(url, batch);
      made.push(...answers.flatMap(({ result }) => result?.taskId ?? []));
      failures.push(...answers.filter(({ result }) => !result?.taskId));
    }
  };
  return { made, failures, go };
}

const secretOf = async (server: string) =>
  (await world.kube.list("Secret", `anypod.dev/server=${server},anypod.dev/role=${server}`))[0]?.data ?? {};
const decoded = (text = "") => Buffer.from(text, "base64").toString();
/** All that the Secret of a store's logins says and nobody else may: passwords, and the keys that they come from. */
async function passwordsNow(server: string): Promise<string[]> {
  const { logins, keys } = await secretOf(server);
  const passwords = decoded(logins)
    .split(" ")
    .map((each) => each.split(":")[1] ?? "");
  return [...passwords, ...decoded(keys).split(",")].filter((each) => each !== "");
}
const used = async (server: string) => decoded((await secretOf(server)).password);

/** Logs, events, objects but Secrets, metrics, and the audit log. */
async function everythingShown(server: string, storePod: string): Promise<string> {
  const pods = [storePod, ...(await world.pods(server, replicas)).map(({ metadata }) => metadata.name ?? "")];
  const logs = pods.flatMap((pod) => [kubectl("logs", pod), kubectl("logs", "--previous", pod).catch(() => "")]);
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const texts = await Promise.all([
    ...logs,
    kubectl(
      "get",
      "mcpservers,events,pods,statefulsets,replicasets,deployments,services,networkpolicies,pvc",
      "-o",
      "yaml",
    ),
    metrics.text(),
    inject("auditLog") && readFileSync(inject("auditLog"), "utf8"),
  ]);
  return [world.operator.log(), ...texts].join("\n");
}
