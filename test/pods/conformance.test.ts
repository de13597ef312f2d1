// The official conformance suite, over several pods: any pod answers any request.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conformance as image } from "../support/images.ts";
import { tasksScenarios } from "../support/tasks-scenarios.ts";
import { redisEngine, storeImageFlags } from "./engines.ts";
import { type PodWorld, podWorld } from "./support.ts";

let world: PodWorld;
beforeAll(async () => {
  world = await podWorld(...storeImageFlags);
});
afterAll(() => world.end());

const named = (scenarios: { name: string; passed: boolean; failures: string[] }[]) =>
  scenarios.filter(({ passed }) => !passed).map(({ name, failures }) => `${name}: ${failures.join("; ")}`);

test("all scenarios that 2026-07-28 requires pass against the Service of three pods", async () => {
  await world.run("conformance", { image, replicas: 3 }, 3);
  const result = await world.driver.conformance([await world.address("conformance")]);
  expect(named(result.scenarios)).toEqual([]);
  expect(result).toMatchObject({ passed: 37, total: 37 });
});

test("they pass when each request goes to another pod than the one before", async () => {
  const pods = await world.pods("conformance", 3);
  const result = await world.driver.conformance(pods.map(({ status }) => `${status.podIP}:8080`));
  expect(named(result.scenarios)).toEqual([]);
});

test("with the ring taken away, and so a key of its own in each pod, the requestState scenarios fail", async () => {
  const env = ["MCP_REQUEST_STATE_KEY", "MCP_REQUEST_STATE_KEYS"].map((name) => ({ name, value: "" }));
  await world.run("keyless", { image, replicas: 3, env }, 3);
  const pods = await world.pods("keyless", 3);
  const result = await world.driver.conformance(pods.map(({ status }) => `${status.podIP}:8080`));
  const failed = named(result.scenarios);
  expect(failed.length).toBeGreaterThan(0);
  for (const failure of failed) expect(failure).toMatch(/input.required/i);
});

describe("of the tasks scenarios, each request to another pod than the one before,", () => {
  /** Those that fail over three pods of the server. */
  async function failures(server: string): Promise<string[]> {
    const pods = await world.pods(server, 3);
    const addresses = pods.map(({ status }) => `${status.podIP}:8080`);
    const results = tasksScenarios.map((scenario) => world.driver.conformance(addresses, "/mcp", scenario));
    return (await Promise.all(results)).flatMap((result) => named(result.scenarios));
  }

  test("all pass with a managed store", async () => {
    await world.run("tasks", { image, replicas: 3, taskStore: redisEngine.spec() }, 3);
    expect(await failures("tasks")).toEqual([]);
  });

  test("those that look at a task again fail when each pod keeps its own", async () => {
    const failed = await failures("conformance");
    for (const each of ["tasks-lifecycle", "tasks-mrtr-input", "tasks-request-headers"])
      expect(failed).toContainEqual(expect.stringMatching(`^${each}: `));
    for (const failure of failed) expect(failure).toMatch(/task/i);
  });
});
