// The sample server with real stores: as its clients see it, and as its log tells.
import type { CallToolResult } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { connect } from "../driver/client.ts";
import { runConformance } from "../driver/conformance.ts";
import { eventually } from "../support/wait.ts";
import { basket, conformance, type Running, startServer, startServers } from "../unit/servers/harness.ts";
import type { Engine } from "./engine.ts";
import { makePostgres } from "./postgresql.ts";
import { makeRedis } from "./redis.ts";

async function call(server: Running, name: string, args: Record<string, unknown>) {
  await using caller = await connect(server.url, "fresh");
  return (await caller.client.callTool({ name, arguments: args })) as CallToolResult;
}

/** All that a server has written. */
const written = (...servers: Running[]) => servers.map(({ log, stderr }) => JSON.stringify(log) + stderr()).join("\n");

function expectNoSecret(text: string, engine: Engine, password = engine.password): void {
  for (const secret of [password, encodeURIComponent(password), JSON.stringify(password).slice(1, -1)])
    expect(text).not.toContain(secret);
  expect(text).not.toMatch(/(redis|postgresql)s?:\/\/\S*@/);
}

describe.each([
  ["Redis", makeRedis],
  ["PostgreSQL", makePostgres],
])("with %s", (_name, make) => {
  test("a basket that one process made is used by another", async () => {
    await using engine = await make();
    await engine.start();
    const env = { MCP_TASK_STORE_URL: engine.url(), MCP_TASK_STORE_PREFIX: "shop:" };
    await using group = await startServers(basket, [env, env, { ...env, MCP_TASK_STORE_PREFIX: "" }]);
    const [a, b, apart] = group.servers as [Running, Running, Running];
    const { basket_id } = (await call(a, "create_basket", {})).structuredContent as { basket_id: string };
    await call(b, "add_item", { basket_id, item: "tea" });
    expect((await call(a, "show_basket", { basket_id })).structuredContent).toMatchObject({ items: ["tea"] });
    expect((await call(apart, "show_basket", { basket_id })).isError).toBe(true);
    expect(await Promise.all(group.servers.map((server) => server.stop()))).toEqual([0, 0, 0]);
    expectNoSecret(written(...group.servers), engine);
  });

  test("tasks are answered by any process", async () => {
    await using engine = await make();
    await engine.start();
    await using shared = await startServers(conformance, Array(2).fill({ MCP_TASK_STORE_URL: engine.url() }));
    const upstreams = shared.servers.map(({ port }) => ({ host: "127.0.0.1", port }));
    expect(await runConformance(upstreams, "/mcp", "tasks-mrtr-input")).toMatchObject({ passed: 1, total: 1 });
  }, 60_000);

  test("a server starts without its store, says so to calls that need it, and needs no restart", async () => {
    await using engine = await make();
    await using server = await startServer(basket, { MCP_TASK_STORE_URL: engine.url() });
    expect((await call(server, "price", { item: "tea" })).structuredContent).toMatchObject({ cents: 175 });
    const start = Date.now();
    const refused = await call(server, "create_basket", {});
    expect(Date.now() - start).toBeLessThan(7000);
    expect(refused).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/task store can't be reached/) }],
    });
    expect(JSON.stringify(await tasksGet(server))).toMatch(/task store can't be reached/);
    await engine.start();
    await eventually("it works", async () => !(await call(server, "create_basket", {})).isError, 20);
    const told = server.log
      .map(({ msg, reason }) => reason ?? msg)
      .filter((text) => /^(ECONN|task store)/.test(String(text)));
    expect(told).toEqual(["ECONNREFUSED", "task store connected"]);
    expectNoSecret(JSON.stringify(refused) + written(server), engine);
    await engine.stop("SIGKILL");
    expect(await server.stop()).toBe(0);
  });

  test("a wrong password is told as that, and is shown nowhere", async () => {
    await using engine = await make();
    await engine.start();
    const password = "wr@ng:hunter2";
    await using server = await startServer(basket, { MCP_TASK_STORE_URL: engine.url({ password }) });
    const refused = await call(server, "create_basket", {});
    expect(refused.isError).toBe(true);
    expect(server.log).toContainEqual(
      expect.objectContaining({ reason: expect.stringMatching(/^(WRONGPASS|28P01)$/) }),
    );
    expectNoSecret(JSON.stringify(refused) + written(server), engine, password);
  });
});

async function tasksGet(server: Running): Promise<unknown> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } },
  };
  const answer = await fetch(server.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tasks/get",
      "mcp-name": "some-task",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tasks/get", params: { taskId: "some-task", _meta } }),
  });
  return await answer.json();
}
