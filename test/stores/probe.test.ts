// What the operator makes of real stores: each thing that can be wrong has a name of its own, and no password in it.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine as EngineName } from "../../operator/api/task-store.ts";
import { askStore } from "../../operator/probe/store.ts";
import type { StoreAnswer } from "../../operator/status/observed.ts";
import { freePorts } from "../cluster/ports.ts";
import type { Engine } from "./engine.ts";
import { makePostgres } from "./postgresql.ts";
import { makeRedis } from "./redis.ts";

const pem = (file: string) => readFileSync(file, "utf8");

describe.each<[EngineName, () => Promise<Engine>]>([
  ["redis", makeRedis],
  ["postgresql", makePostgres],
])("%s", (name, make) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await make();
    await engine.start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const ask = (url: string, ca?: string) => askStore(name, { url, ca });
  const why = (answer: StoreAnswer) => ("why" in answer ? answer.why : "ok");
  /** The URL with another address. */
  const at = (address: string) => engine.url().replace(/@[^/]*/, `@${address}`);

  test("takes the login that it has", async () => {
    expect(await ask(engine.url())).toEqual({ ok: true });
  });

  test("takes it over TLS, by the right CA and name", async () => {
    expect(await ask(engine.url({ tls: "localhost" }), pem(engine.ca))).toEqual({ ok: true });
  });

  test("a CA beside a URL without TLS changes nothing", async () => {
    expect(await ask(engine.url(), pem(engine.ca))).toEqual({ ok: true });
  });

  test("refuses another password, and no answer has either of them", async () => {
    const answer = await ask(engine.url({ password: "canary-of-a-password" }));
    expect(why(answer)).toBe("refused");
    expect(JSON.stringify(answer)).not.toMatch(/canary-of-a-password/);
  });

  test.each([
    ["another's CA", "localhost", (of: Engine) => pem(of.otherCa)],
    ["no CA at all", "localhost", () => undefined],
    ["a name that isn't in the certificate", "127.0.0.1", (of: Engine) => pem(of.ca)],
  ])("isn't trusted with %s", async (_, host, ca) => {
    expect(why(await ask(engine.url({ tls: host }), ca(engine)))).toBe("certificate");
  });

  test("isn't reached where nobody listens, nor by a name that nobody has", async () => {
    const [port] = await freePorts(1);
    expect(await ask(at(`127.0.0.1:${port}`))).toEqual({ ok: false, why: "unreachable", said: "ECONNREFUSED" });
    expect(await ask(at("no-such-host.invalid:1"))).toMatchObject({ why: "unreachable", said: /ENOTFOUND|EAI_AGAIN/ });
  });

  test("isn't reached where somebody listens who says nothing, and that is known within seconds", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const began = Date.now();
    expect(why(await ask(at(`127.0.0.1:${port}`)))).toBe("unreachable");
    expect(Date.now() - began).toBeLessThan(20_000);
    silent.close();
  });

  test("is unreachable while it is frozen, and answers when it goes on", async () => {
    engine.freeze();
    expect(why(await ask(engine.url()))).toBe("unreachable");
    engine.thaw();
    expect(await ask(engine.url())).toEqual({ ok: true });
  });

  test.each([
    ["nothing", ""],
    ["no URL", "user:canary@host"],
    ["another engine's scheme", name === "redis" ? "postgresql://u:canary@h/x" : "redis://u:canary@h/0"],
    ["no host", `${name}:///x`],
    ["a percent sign that is no escape", `${name}://u:canary%zz@h:1/x`],
  ])("what has %s is never tried, and isn't quoted", async (_, url) => {
    const answer = await ask(url);
    expect(why(answer)).toBe("url");
    expect(JSON.stringify(answer)).not.toMatch(/canary/);
  });
});

test("PostgreSQL says which database isn't there, and which takes no connections", async () => {
  await using engine = await makePostgres();
  await engine.start();
  const ask = (database: string) => askStore("postgresql", { url: engine.url({ database }), ca: undefined });
  expect(await ask("none")).toMatchObject({ why: "refused", said: expect.stringContaining('database "none"') });
  await engine.ask("create database closed with allow_connections false");
  expect(await ask("closed")).toMatchObject({ why: "failing", said: expect.stringContaining('database "closed"') });
});

test("Redis says which number of a database is out of range", async () => {
  await using engine = await makeRedis();
  await engine.start();
  const answer = await askStore("redis", { url: engine.url({ database: "99" }), ca: undefined });
  expect(answer).toMatchObject({ why: "failing", said: expect.stringContaining("out of range") });
});
