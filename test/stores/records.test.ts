// Records in real stores: what every pod may count on.
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../examples/basket/store.ts";
import { eventually } from "../support/wait.ts";
import type { Engine } from "./engine.ts";
import { makePostgres } from "./postgresql.ts";
import { makeRedis } from "./redis.ts";

const silent = pino({ level: "silent" });

interface Opened extends AsyncDisposable, Store {}
function open(url: string, prefix = "", caFile?: string): Opened {
  const store = openStore({ url, prefix, caFile }, silent);
  return { ...store, [Symbol.asyncDispose]: store.close };
}

describe.each([
  ["Redis", makeRedis],
  ["PostgreSQL", makePostgres],
])("%s", (name, make) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await make();
    await engine.start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  // The first, as there is no table yet.
  test("pods that start at once and add to one record at once all succeed", async () => {
    await using pods = new AsyncDisposableStack();
    const stores = Array.from({ length: 8 }, () => pods.use(open(engine.url(), "crowd:")));
    await Promise.all(stores.map((store, i) => store.create(`own${i}`, { i: String(i) }, 60_000)));
    await stores[0]!.create("shared", { start: "" }, 60_000);
    await Promise.all(stores.map((store, i) => store.merge("shared", { [`by${i}`]: "" })));
    expect(Object.keys((await stores[7]!.read("shared")) ?? {})).toHaveLength(9);
  });

  test("a record keeps the fields that others added, and isn't made by adding to it", async () => {
    await using store = open(engine.url());
    const odd = { 'ünï"\\': "côdé ✓ \u0000 \n", one: '{"a":"\\u0000"}' };
    await store.create("a", odd, 60_000);
    expect(await store.merge("a", { two: "2", one: "1" })).toBe(true);
    expect(await store.read("a")).toEqual({ ...odd, one: "1", two: "2" });
    expect(await store.merge("b", { two: "2" })).toBe(false);
    expect(await store.read("b")).toBeUndefined();
    expect(await store.read("no\u0000such \ud800 id")).toBeUndefined();
  });

  test("a record is gone when its time is over, and adding to it doesn't bring it back", async () => {
    await using store = open(engine.url());
    await store.create("short", { one: "1" }, 300);
    expect(await store.merge("short", { two: "2" })).toBe(true);
    await eventually("it is gone", async () => (await store.read("short")) === undefined, 2);
    expect(await store.merge("short", { two: "2" })).toBe(false);
    await store.create("short", { three: "3" }, 60_000);
    expect(await store.read("short")).toEqual({ three: "3" });
  });

  test("servers with different prefixes don't see each other's records", async () => {
    await using a = open(engine.url(), "a:");
    await using b = open(engine.url(), "b:");
    await a.create("x", { of: "a" }, 60_000);
    expect(await b.read("x")).toBeUndefined();
    expect(await b.merge("x", { of: "b" })).toBe(false);
    expect(await a.read("x")).toEqual({ of: "a" });
  });

  test("TLS: a store is believed with the right CA and name only", async () => {
    await using good = open(engine.url({ tls: "localhost" }), "", engine.ca);
    await good.create("tls", { one: "1" }, 60_000);
    expect(await good.read("tls")).toEqual({ one: "1" });
    await using otherCa = open(engine.url({ tls: "localhost" }), "", engine.otherCa);
    await using noCa = open(engine.url({ tls: "localhost" }));
    await using otherName = open(engine.url({ tls: "127.0.0.1" }), "", engine.ca);
    const refused = [otherCa, noCa, otherName].map((store) =>
      expect(store.read("tls")).rejects.toThrow("The task store can't be reached"),
    );
    await Promise.all(refused);
  });

  test("calls wait while the store restarts, and none fails", async () => {
    await using store = open(engine.url());
    await store.create("kept", { one: "1" }, 60_000);
    let failed = 0;
    let calls = 0;
    const until = Date.now() + 3000;
    const caller = async () => {
      while (Date.now() < until) {
        calls += 1;
        await store.read("kept").catch(() => (failed += 1));
        await sleep(10);
      }
    };
    const callers = [caller(), caller(), caller()];
    await sleep(200);
    await engine.stop(name === "Redis" ? "SIGTERM" : "SIGINT");
    await sleep(500);
    await engine.start();
    await Promise.all(callers);
    expect(calls).toBeGreaterThan(20);
    expect(failed).toBe(0);
    expect(await store.read("kept")).toEqual({ one: "1" });
  });

  test("a store that answers nothing fails calls in time, and works again when it answers", async () => {
    await using store = open(engine.url());
    await store.create("frozen", { one: "1" }, 60_000);
    engine.freeze();
    const start = Date.now();
    await expect(store.read("frozen")).rejects.toThrow("The task store can't be reached");
    expect(Date.now() - start).toBeLessThan(6500);
    engine.thaw();
    await eventually("it answers", async () => (await store.read("frozen"))?.one === "1", 15);
  });
});

describe("PostgreSQL as its owner leaves it", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await makePostgres();
    await engine.start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  test("what is over is swept away", async () => {
    await using store = open(engine.url());
    await store.create("over", { one: "1" }, 1);
    await store.create("alive", { one: "1" }, 60_000);
    // A store sweeps when it opens.
    await using _sweeper = open(engine.url());
    const keys = () => engine.ask("select key from mcp_task_store");
    await eventually("only one is left", async () => (await keys()) === "basket:alive");
  });

  test("a user who may not make tables uses the one that is there", async () => {
    await using owner = open(engine.url());
    await owner.create("a", { one: "1" }, 60_000);
    await engine.ask("create role reader login password 'r'");
    await engine.ask("grant select, insert, update, delete on mcp_task_store to reader");
    await using reader = open(engine.url({ user: "reader", password: "r" }));
    expect(await reader.read("a")).toEqual({ one: "1" });
    expect(await reader.merge("a", { two: "2" })).toBe(true);
  });

  test("a database that was emptied works again", async () => {
    await using store = open(engine.url());
    await store.create("a", { one: "1" }, 60_000);
    await engine.ask("drop table mcp_task_store");
    expect(await store.read("a")).toBeUndefined();
    await store.create("a", { one: "1" }, 60_000);
    expect(await store.read("a")).toEqual({ one: "1" });
  });
});
