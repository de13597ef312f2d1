// The driver's control server, asked as the tests in a cluster ask it.
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createControl } from "../../driver/control.ts";
import { basket, newKey, type Running, startServer, waitFor } from "./harness.ts";

const control = createControl();
let server: Running;
let url: string;

beforeAll(async () => {
  server = await startServer(basket, { POD_NAME: "only", SERVER_VERSION: "3", MCP_REQUEST_STATE_KEY: newKey() });
  await new Promise<void>((resolve) => {
    control.listen(0, "127.0.0.1", resolve);
  });
  url = encodeURIComponent(server.url);
});
afterAll(async () => {
  control.closeAllConnections();
  control.close();
  await server[Symbol.asyncDispose]();
});

async function ask(method: "GET" | "POST", path: string) {
  const answer = await fetch(`http://127.0.0.1:${(control.address() as AddressInfo).port}${path}`, { method });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test("calls are counted by pod and by version, each on a connection of its own", async () => {
  const { body } = await ask("GET", `/calls?url=${url}&n=7`);
  expect(body).toEqual({ calls: 7, failed: 0, errors: [], pods: { only: 7 }, versions: { "3": 7 } });
});

test("a load runs until it is stopped, and tells its numbers meanwhile", async () => {
  expect((await ask("POST", `/load/start?url=${url}&workers=4`)).status).toBe(200);
  expect(await ask("POST", `/load/start?url=${url}`)).toMatchObject({ status: 500 });
  let running: Record<string, unknown> = {};
  const look = setInterval(async () => {
    running = (await ask("GET", "/load")).body;
  }, 50);
  await waitFor("ten calls", () => Number(running.calls) >= 10);
  clearInterval(look);
  const { body } = await ask("POST", "/load/stop");
  expect(body).toMatchObject({ failed: 0, errors: [], versions: { "3": body.calls } });
  expect(Number(body.calls)).toBeGreaterThanOrEqual(Number(running.calls));
  expect((await ask("GET", "/load")).body.message).toContain("no load was started");
});

test("one pod cannot answer another one's question, and the answer says so", async () => {
  const { body } = await ask("GET", `/question?url=${url}`);
  expect(body.error).toContain("answered by the pod that asked it");
});

test("a server that cannot be reached is an error, not a hang", async () => {
  const { status, body } = await ask("GET", `/calls?url=${encodeURIComponent("http://127.0.0.1:65534/mcp")}`);
  expect(status).toBe(500);
  expect(body.message).toContain("ECONNREFUSED");
});

test("what is missing or unknown is said", async () => {
  expect(await ask("GET", "/calls")).toEqual({ status: 500, body: { message: expect.stringContaining("needs url") } });
  expect(await ask("GET", "/nothing")).toMatchObject({ status: 404 });
});
