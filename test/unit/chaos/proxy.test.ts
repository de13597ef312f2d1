// The fault suite's proxy: each fault does what it says, and nothing happens without a rule.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChaosProxy, startProxy } from "../../chaos/proxy.ts";
import type { EventFault, Rule } from "../../chaos/rules.ts";
import { eventually } from "../../support/wait.ts";

const services = "/api/v1/namespaces/shop/services";
const event = (name: string) => JSON.stringify({ type: "ADDED", object: { metadata: { namespace: "shop", name } } });

let folder: string;
let proxy: ChaosProxy;
let base: string;
let end: () => void;
/** Method and path of all that has reached the API server. */
let reached: string[];

/** Counts the calls in its answers; a watch has three events and stays open. */
function serve(request: IncomingMessage, response: ServerResponse) {
  request.resume();
  reached.push(`${request.method} ${request.url}`);
  if (!request.url?.includes("watch=true")) return response.end(JSON.stringify({ count: reached.length }));
  return response.write(`${["a", "b", "c"].map(event).join("\n")}\n`);
}

beforeEach(async () => {
  reached = [];
  folder = mkdtempSync(join(tmpdir(), "anypod-proxy-"));
  const server = createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = {
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "c", user: {} }],
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
  };
  const kubeconfig = join(folder, "real");
  writeFileSync(kubeconfig, JSON.stringify(config));
  proxy = await startProxy({ kubeconfig, file: join(folder, "proxied"), name: "test", seed: 1 });
  base = JSON.parse(readFileSync(proxy.kubeconfig, "utf8")).clusters[0].cluster.server;
  end = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(async () => {
  await proxy.stop();
  end();
  rmSync(folder, { recursive: true });
});

const get = (path = services) => fetch(base + path);
const write = () => fetch(`${base}${services}/basket`, { method: "PATCH", body: "{}" });
const injecting = (fault: Rule["fault"], match: Rule["match"] = {}, when: Rule["when"] = {}) =>
  proxy.rules({ name: "fault", match, fault, when } as Rule);

describe("requests", () => {
  test("pass, are written down, and are answered", async () => {
    expect(await (await get()).json()).toEqual({ count: 1 });
    expect(proxy.journal).toMatchObject([{ verb: "list", resource: "services", namespace: "shop", status: 200 }]);
  });

  test("are answered by the proxy itself, with the time to wait", async () => {
    injecting({ kind: "answer", status: 429, retryAfter: 3 }, { verb: "list" });
    const response = await get();
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "3"]);
    expect(await response.json()).toMatchObject({ kind: "Status", code: 429, reason: "TooManyRequests" });
    expect(reached).toEqual([]);
  });

  test("are reset before the API server hears of them", async () => {
    injecting({ kind: "reset", at: "before" }, { write: true });
    await expect(write()).rejects.toThrow();
    expect(reached).toEqual([]);
    expect((await get()).status).toBe(200);
  });

  test("are done and their answer is lost", async () => {
    injecting({ kind: "reset", at: "after" }, { write: true });
    await expect(write()).rejects.toThrow();
    expect(reached).toEqual([`PATCH ${services}/basket`]);
  });

  test.each([
    ["before", "on", 1],
    ["before", "drop", 0],
    ["after", "on", 1],
    ["after", "drop", 1],
  ] as const)("are held %s they reach the API server, then let go: %s", async (at, decision, count) => {
    injecting({ kind: "hold", at }, { write: true });
    const answer = write().then(
      ({ status }) => status,
      () => "reset",
    );
    await eventually("it is held", () => proxy.held() === 1);
    if (decision === "on") proxy.release();
    else proxy.drop();
    expect(await answer).toBe(decision === "on" ? 200 : "reset");
    expect(reached).toHaveLength(count);
  });

  test("get half an answer", async () => {
    injecting({ kind: "cut" });
    const response = await get();
    await expect(response.text()).rejects.toThrow();
  });

  test("get the list that there was before", async () => {
    await get();
    injecting({ kind: "stale" });
    expect(await (await get()).json()).toEqual({ count: 1 });
    proxy.rules();
    expect(await (await get()).json()).toEqual({ count: 3 });
  });

  test("fail while the API server is away, and are counted", async () => {
    await get();
    const tries = proxy.away();
    await expect(get()).rejects.toThrow();
    expect(tries()).toBeGreaterThan(0);
    proxy.back();
    expect((await get()).status).toBe(200);
  });
});

describe("rules", () => {
  const statuses = async (count: number) => {
    const seen: number[] = [];
    for (let call = 0; call < count; call++) seen.push((await get()).status);
    return seen;
  };
  const fault = { kind: "answer", status: 503 } as const;

  test.each([
    [{ nth: 2 }, [200, 503, 200, 200]],
    [{ from: 3 }, [200, 200, 503, 503]],
    [{ times: 2 }, [503, 503, 200, 200]],
    [{ from: 2, times: 1 }, [200, 503, 200, 200]],
  ])("fire when they should: %j", async (when, expected) => {
    injecting(fault, { resource: ["services", "pods"], namespace: "shop" }, when);
    expect(await statuses(4)).toEqual(expected);
  });

  test("fire by chance as the seed says, every time the same", async () => {
    injecting(fault, {}, { chance: 0.5 });
    const first = await statuses(20);
    injecting(fault, {}, { chance: 0.5 });
    expect(await statuses(20)).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 503]));
  });

  test("count what they have injected", async () => {
    injecting(fault, {}, { times: 2 });
    await statuses(3);
    expect(proxy.injected()).toEqual({ fault: 2 });
  });
});

describe("watches", () => {
  /** What comes until the stream ends, breaks, or has been silent for a moment. */
  async function watched(fault?: EventFault): Promise<{ text: string; finally: "ended" | "broken" | "open" }> {
    if (fault) injecting(fault, { resource: "services" }, { nth: 2 });
    const { body } = await get(`${services}?watch=true`);
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = new Promise<"open">((resolve) => setTimeout(resolve, 200, "open"));
      const next = await Promise.race([reader.read().catch(() => "broken" as const), silence]);
      if (typeof next === "string") return { text, finally: next };
      if (next.done) return { text, finally: "ended" };
      text += next.value;
    }
  }
  const [a, b, c] = ["a", "b", "c"].map((name) => `${event(name)}\n`);
  const half = event("b").slice(0, event("b").length / 2);

  test.each<[string, EventFault | undefined, { text: string; finally: string }]>([
    ["pass", undefined, { text: `${a}${b}${c}`, finally: "open" }],
    ["lose an event", { kind: "hide" }, { text: `${a}${c}`, finally: "open" }],
    ["end in mid-line", { kind: "truncate", finally: "end" }, { text: `${a}${half}`, finally: "ended" }],
    ["freeze", { kind: "freeze" }, { text: `${a}`, finally: "open" }],
  ])("%s", async (_, fault, expected) => {
    expect(await watched(fault)).toEqual(expected);
  });

  test("break in mid-line", async () => {
    expect((await watched({ kind: "truncate", finally: "reset" })).finally).toBe("broken");
  });

  test("hold a line that is no JSON, and go on", async () => {
    const { text, finally: ended } = await watched({ kind: "malformed" });
    expect(ended).toBe("open");
    const lines = text.trim().split("\n");
    expect(lines).toHaveLength(4);
    expect(() => JSON.parse(lines[1] ?? "")).toThrow();
    expect(lines[2]).toBe(event("b"));
  });

  test("say 410 in an event, and end", async () => {
    const { text, finally: ended } = await watched({ kind: "gone" });
    expect(ended).toBe("ended");
    expect(JSON.parse(text.trim().split("\n")[1] ?? "")).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });

  test("can be frozen and ended from outside", async () => {
    const stream = watched();
    await eventually("it is open", () => proxy.streams({ resource: "services" }).length === 1);
    for (const each of proxy.streams()) each.end("end");
    expect((await stream).finally).toBe("ended");
    expect(proxy.streams()).toEqual([]);
  });
});
