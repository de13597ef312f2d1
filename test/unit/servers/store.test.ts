// What servers share, as far as it takes no store: memory, what the environment may say of a store, and what happens without
// one. test/stores has the rest.
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reasonOf } from "../../../examples/basket/reason.ts";
import { openMemoryStore } from "../../../examples/basket/store-memory.ts";
import { parseStoreUrl } from "../../../examples/basket/store-url.ts";
import { runConformance } from "../../driver/conformance.ts";
import { conformance, startServers } from "./harness.ts";

test("a record in memory keeps the fields that others added, and isn't made by adding to it", async () => {
  const store = openMemoryStore();
  await store.create("a", { one: "1" }, 60_000);
  expect(await store.merge("a", { two: "2" })).toBe(true);
  expect(await store.read("a")).toEqual({ one: "1", two: "2" });
  expect(await store.merge("b", { two: "2" })).toBe(false);
  expect(await store.read("b")).toBeUndefined();
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

test("without a store, a task is answered by its own process only", async () => {
  await using apart = await startServers(conformance, Array(2).fill({}));
  const upstreams = apart.servers.map(({ port }) => ({ host: "127.0.0.1", port }));
  expect(await runConformance(upstreams, "/mcp", "tasks-mrtr-input")).toMatchObject({ passed: 0, total: 1 });
}, 60_000);

describe("a store's URL", () => {
  const target = (url: string, caFile?: string) => parseStoreUrl({ url, prefix: "", caFile });
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ca-"));
    ca = join(folder, "ca.crt");
    writeFileSync(ca, "a certificate");
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("is taken apart, with its special characters", () => {
    const common = { host: "store.ns.svc", user: "u s", password: "p@:/#?%" };
    const login = "u%20s:p%40%3A%2F%23%3F%25@store.ns.svc";
    const plain = { ...common, tls: undefined };
    expect(target(`redis://${login}`)).toEqual({ ...plain, kind: "redis", port: 6379, database: undefined });
    expect(target(`redis://${login}:1/3`)).toEqual({ ...plain, kind: "redis", port: 1, database: "3" });
    expect(target(`postgres://${login}/d%20b`)).toEqual({ ...plain, kind: "postgresql", port: 5432, database: "d b" });
    expect(target("redis://[::1]:7").host).toBe("::1");
  });

  test.each([
    ["redis://h", undefined],
    ["rediss://h", "full"],
    ["postgresql://h", undefined],
    ["postgresql://h?sslmode=disable", undefined],
    ["postgresql://h?sslmode=require", "ca"],
    ["postgresql://h?sslmode=verify-ca", "ca"],
    ["postgresql://h?sslmode=verify-full", "full"],
  ])("%s with a CA verifies: %s", (url, verify) => {
    expect(target(url, ca).tls).toEqual(verify && { ca: "a certificate", verify });
  });

  test("asks for encryption only, when it says `require` and nobody gives a CA", () => {
    expect(target("postgresql://h?sslmode=require").tls).toEqual({ verify: "nothing" });
  });

  test.each([
    ["mysql://u:hunter2@h", "must begin with redis://, rediss:// or postgresql://, not mysql://"],
    ["hunter2", "must begin with redis://, rediss:// or postgresql://"],
    ["hunter2:x", "must begin with redis://, rediss:// or postgresql://"],
    ["redis://u:hunter2@h:port", "must have the form scheme://user:password@host:port/database"],
    ["redis://u:hunter2%@h", "must have the form"],
    ["postgresql://u:hunter2@a:1,b:2/d", "must have the form"],
    ["redis://u:hunter2@", "must have the form"],
    ["redis://u:p@h/hunter2", "Redis has databases by number"],
    ["postgresql://u:hunter2@h?sslmode=hunter2", "sslmode must be"],
  ])("%s is refused without being quoted", (url, message) => {
    expect(() => target(url)).toThrow(message);
    expect(() => target(url)).not.toThrow("hunter2");
  });

  test("a CA that can't be read is named", () => {
    expect(() => target("rediss://h", join(folder, "none"))).toThrow(
      /MCP_TASK_STORE_CA: the file .*none can't be read/,
    );
  });
});

test.each([
  [Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
  [Object.assign(new Error('password authentication failed for user "joe"'), { code: "28P01" }), "28P01"],
  [new Error("WRONGPASS invalid username-password pair or user is disabled."), "WRONGPASS"],
  [new Error("Command timed out"), "timeout"],
  [new TypeError("redis://u:hunter2@h is wrong"), "TypeError"],
])("the log names %s as %s, and quotes nothing", (error, reason) => {
  expect(reasonOf(error)).toBe(reason);
});
