// No call is lost when pods come and go: a rolling update, a scale-down, a crashed operator.
import { afterAll, beforeAll, expect, test } from "vitest";
import { basket, newBasket } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { type PodWorld, podWorld } from "./support.ts";

let world: PodWorld;
beforeAll(async () => {
  world = await podWorld();
});
afterAll(() => world.end());

/** Runs the work under constant load, JSON and SSE calls in flight all the time, and returns what became of the calls. */
async function underLoad(server: string, work: () => Promise<unknown>) {
  const running = async (calls: number) =>
    eventually("calls are answered", async () => (await world.driver.load()).calls >= calls, 60);
  await world.driver.startLoad(await world.url(server), 8);
  await running(100);
  await work();
  await running((await world.driver.load()).calls + 100);
  return world.driver.stopLoad();
}

test("a rolling update loses no call", async () => {
  await world.run("rolled", { image: basket, replicas: 3 }, 3);
  const tally = await underLoad("rolled", async () => {
    await world.run("rolled", { image: newBasket, replicas: 3 }, 3);
  });
  expect(tally.errors).toEqual([]);
  expect(tally.failed).toBe(0);
  expect(Object.keys(tally.versions).sort()).toEqual(["1.0.0", "1.1.0"]);
});

test("a scale-down loses no call, and a scale-up brings pods that answer", async () => {
  await world.run("rescaled", { image: basket, replicas: 4 }, 4);
  const tally = await underLoad("rescaled", async () => {
    await world.run("rescaled", { image: basket, replicas: 1 }, 1);
    await world.run("rescaled", { image: basket, replicas: 3 }, 3);
  });
  expect(tally.errors).toEqual([]);
  expect(tally.failed).toBe(0);
});

test("an operator that is killed in a rollout goes on where it was when it is back", async () => {
  await world.run("survives", { image: basket, replicas: 2 }, 2);
  await world.operator.stop("SIGKILL");
  await world.kube.applyServer("survives", { image: newBasket, replicas: 2 });
  const { startOperator } = await import("../support/operator.ts");
  const { inject } = await import("vitest");
  world.operator = await startOperator(inject("operator").kubeconfig);
  await world.run("survives", { image: newBasket, replicas: 2 }, 2);
  const tally = await world.driver.calls(await world.url("survives"), 20);
  expect(tally).toMatchObject({ failed: 0, versions: { "1.1.0": 20 } });
});
