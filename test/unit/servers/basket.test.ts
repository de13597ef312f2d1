// The sample server, as the official clients see it and as its log tells.
import { randomBytes, randomUUID } from "node:crypto";
import type { Client } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";
import type { JsonValue } from "@modelcontextprotocol/ext-tasks/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Caller, connect } from "../../driver/client.ts";
import { basket, newKey, type Running, startServer, waitFor } from "./harness.ts";

const key = newKey();
let server: Running;
let caller: Caller;
let client: Client;

beforeAll(async () => {
  server = await startServer(basket, { POD_NAME: "pod-1", SERVER_VERSION: "7.8.9", MCP_REQUEST_STATE_KEY: key });
  caller = await connect(server.url, "kept");
  client = caller.client;
});
afterAll(async () => {
  await caller[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const call = async (name: string, args: Record<string, unknown>) =>
  (await client.callTool({ name, arguments: args })).structuredContent as Record<string, JsonValue>;

test("a basket is used through its handle", async () => {
  const { basket_id } = await call("create_basket", {});
  await call("add_item", { basket_id, item: "tea" });
  await call("add_item", { basket_id, item: "milk" });
  expect((await call("show_basket", { basket_id })).items).toEqual(["tea", "milk"]);
});

test("an unknown handle is an error that says what to do", async () => {
  const result = await client.callTool({ name: "show_basket", arguments: { basket_id: "nothing" } });
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toContain("create one");
});

test("the fast tool tells the pod and the version that answered", async () => {
  expect(await call("price", { item: "tea" })).toMatchObject({ pod: "pod-1", version: "7.8.9" });
  expect(client.getServerVersion()).toMatchObject({ name: "basket", version: "7.8.9" });
});

test("a tool whose name isn't ASCII is called by the official client", async () => {
  expect(await call("wétter", { city: "Ulm" })).toMatchObject({ city: "Ulm", weather: "rain" });
});

test("the slow tool reports progress while it works", async () => {
  const seen: number[] = [];
  const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
  await client.callTool({ name: "gift_wrap", arguments: { milliseconds: 50 } }, { onprogress });
  expect(seen).toEqual([1, 2, 3, 4, 5]);
});

test("the official Tasks client starts a task, answers its question and gets its result", async () => {
  const { basket_id = "" } = await call("create_basket", {});
  await call("add_item", { basket_id, item: "tea" });
  await using session = taskSession(async () => ({ action: "accept", content: { text: "Enjoy" } }));
  const execution = await session.callTool("pack_basket", { basket_id, milliseconds: 100, with_card: true });
  const { outcome } = await execution.settle();
  const { structuredContent } = resultFromTaskOutcome(outcome);
  expect(structuredContent).toEqual({ packed: ["tea"], startedBy: "pod-1", card: "Enjoy" });
});

test("the official Tasks client cancels a task", async () => {
  const { basket_id = "" } = await call("create_basket", {});
  await using session = taskSession(async () => ({ action: "decline" }));
  const execution = await session.callTool("pack_basket", { basket_id, milliseconds: 20_000 });
  if (execution.kind !== "task") throw new Error("this tool makes tasks");
  await execution.cancel();
  expect((await execution.settle()).outcome.status).toBe("cancelled");
});

test("a client without tasks waits for the same answer", async () => {
  const { basket_id } = await call("create_basket", {});
  expect(await call("pack_basket", { basket_id, milliseconds: 10 })).toEqual({ packed: [], startedBy: "pod-1" });
});

test("a request's log line has its trace id, method, name and duration, and nothing that was in its arguments", async () => {
  const traceId = randomBytes(16).toString("hex");
  const secret = randomUUID();
  const traceparent = `00-${traceId}-${randomBytes(8).toString("hex")}-01`;
  await client.callTool({ name: "price", arguments: { item: secret }, _meta: { traceparent } });
  await waitFor("the log line", () => server.log.some((line) => line.traceId === traceId));
  const line = server.log.find((entry) => entry.traceId === traceId);
  expect(line).toMatchObject({ msg: "request", method: "tools/call", name: "price", status: 200, pod: "pod-1" });
  expect(line?.ms).toEqual(expect.any(Number));
  const everything = JSON.stringify(server.log) + server.stderr();
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(key);
});

test("a page of another site is refused", async () => {
  const answer = await fetch(server.url, { method: "POST", headers: { Origin: "http://evil.example.com" } });
  expect(answer.status).toBe(403);
});

test("without a store it warns, and a store of an unknown kind stops the start with a reason", async () => {
  expect(server.log).toContainEqual(expect.objectContaining({ msg: expect.stringContaining("MCP_TASK_STORE_URL") }));
  await expect(startServer(basket, { MCP_TASK_STORE_URL: "mysql://localhost/x" })).rejects.toThrow(
    "must begin with redis://, rediss:// or postgresql://, not mysql://",
  );
});

/** The official Tasks client; the SDK's own one refuses task results, so requests go over fetch. */
function taskSession(onInputRequest: () => Promise<never | object>) {
  const clientCapabilities = { elicitation: {}, extensions: { "io.modelcontextprotocol/tasks": {} } };
  return createTaskSessionFromClient(client, {
    endpointId: server.url,
    onInputRequest: onInputRequest as never,
    rawDispatch: async (request) => {
      const { method, params } = request as { method: string; params: { name?: string; taskId?: string } };
      const answer = await fetch(server.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": method,
          "mcp-name": params.name ?? params.taskId ?? "",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...(request as object) }),
      });
      const { result, error } = (await answer.json()) as { result: JsonValue; error?: never };
      return error ? { kind: "error", error } : { kind: "result", result };
    },
    v2RequestFraming: {
      protocolVersion: "2026-07-28",
      clientInfo: { name: "test", version: "1" },
      clientCapabilities,
    },
  });
}
