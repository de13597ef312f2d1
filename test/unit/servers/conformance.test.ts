// The official suite against three processes in strict rotation, with the ring and without it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runConformance } from "../../driver/conformance.ts";
import { tasksScenarios } from "../../support/tasks-scenarios.ts";
import { conformance, newKey, type Running, startServer, startServers } from "./harness.ts";

const upstreams = (servers: readonly Running[]) => servers.map(({ port }) => ({ host: "127.0.0.1", port }));
const failed = (scenarios: readonly { name: string; passed: boolean }[]) =>
  scenarios.filter(({ passed }) => !passed).map(({ name }) => name);

describe.concurrent("three processes", () => {
  test("pass all 37 scenarios that 2026-07-28 requires when they share one ring", async () => {
    const MCP_REQUEST_STATE_KEY = newKey();
    await using group = await startServers(conformance, Array(3).fill({ MCP_REQUEST_STATE_KEY }));
    const { scenarios, total, output } = await runConformance(upstreams(group.servers), "/mcp");
    expect(failed(scenarios), output).toEqual([]);
    expect(total).toBe(37);
  }, 60_000);

  test("fail the scenarios that carry requestState, and only those, with three different keys", async () => {
    await using group = await startServers(conformance, Array(3).fill({}));
    const { scenarios } = await runConformance(upstreams(group.servers), "/mcp");
    expect(failed(scenarios).sort()).toEqual([
      "input-required-result-multi-round",
      "input-required-result-multiple-input-requests",
      "input-required-result-request-state",
    ]);
  }, 60_000);
});

describe.concurrent("one process", () => {
  let server: Running;
  beforeAll(async () => {
    server = await startServer(conformance);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each([
    ...tasksScenarios,
    "http-header-validation",
    "http-custom-header-server-validation",
    "json-schema-2020-12",
  ])(
    "passes %s",
    async (scenario) => {
      const { scenarios } = await runConformance(upstreams([server]), "/mcp", scenario);
      expect(scenarios).toEqual([{ name: scenario, passed: true, failures: [], warnings: [] }]);
    },
    30_000,
  );
});
