// What servers share: a store that all name, and what happens without one.
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { openMemoryStore, type Store } from "../../../examples/basket/store.ts";
import { openRedisStore } from "../../../examples/basket/store-redis.ts";
import { connect } from "../../driver/client.ts";
import { runConformance } from "../../driver/conformance.ts";
import { startFakeRedis } from "./fake-redis.ts";
import { basket, conformance, type Running, startServer, startServers } from "./harness.ts";

const silent = pino({ level: "silent" });

describe.each<[string, (url: string) => Store]>([
  ["memory", () => openMemoryStore()],
  ["Redis", (url) => openRedisStore(url, silent)],
])("a record in %s", (_name, open) => {
  test("keeps the fields that others added, and isn't made by adding to it", async () => {
    await using redis = await startFakeRedis();
    const store = open(redis.url);
    await store.create("a", { one: "1", ünï: "côdé ✓" }, 60_000);
    expect(await store.merge("a", { two: "2" })).toBe(true);
    expect(await store.read("a")).toEqual({ one: "1", ünï: "côdé ✓", two: "2" });
    expect(await store.merge("b", { two: "2" })).toBe(false);
    expect(await store.read("b")).toBeUndefined();
    await store.close();
  });
});

test("a record in memory is gone when its time is over", async () => {
  let now = 0;
  const store = openMemoryStore(() => now);
  await store.create("a", { one: "1" }, 1000);
  now = 999;
  expect(await store.read("a")).toEqual({ one: "1" });
  now = 1000;
  expect(await store.read("a")).toBeUndefined();
  expect(await store.merge("a", { two: "2" })).toBe(false);
});

async function call(server: Running, name: string, args: Record<string, unknown>) {
  await using caller = await connect(server.url, "fresh");
  return await caller.client.callTool({ name, arguments: args });
}

test("a basket that one process made is used by another when they share a store, and not otherwise", async () => {
  await using redis = await startFakeRedis();
  await using a = await startServer(basket, { MCP_TASK_STORE_URL: redis.url });
  await using b = await startServer(basket, { MCP_TASK_STORE_URL: redis.url });
  await using alone = await startServer(basket);
  const { basket_id } = (await call(a, "create_basket", {})).structuredContent as { basket_id: string };
  await call(b, "add_item", { basket_id, item: "tea" });
  expect((await call(a, "show_basket", { basket_id })).structuredContent).toMatchObject({ items: ["tea"] });
  expect((await call(alone, "show_basket", { basket_id })).isError).toBe(true);
});

test("tasks are answered by any process when they share a store, and only by their own otherwise", async () => {
  await using redis = await startFakeRedis();
  await using shared = await startServers(conformance, Array(2).fill({ MCP_TASK_STORE_URL: redis.url }));
  await using apart = await startServers(conformance, Array(2).fill({}));
  const run = (servers: readonly Running[]) => {
    const upstreams = servers.map(({ port }) => ({ host: "127.0.0.1", port }));
    return runConformance(upstreams, "/mcp", "tasks-mrtr-input");
  };
  expect(await run(shared.servers)).toMatchObject({ passed: 1, total: 1 });
  expect(await run(apart.servers)).toMatchObject({ passed: 0, total: 1 });
}, 60_000);
