// requestState across processes: a question that one server asks is answered by another when, and only when, it has the key.
import { expect, test } from "vitest";
import { askAcrossPods } from "../../driver/question.ts";
import { basket, newKey, startBalancer, startServer } from "./harness.ts";

async function askAcross(first: Record<string, string>, second: Record<string, string>) {
  await using a = await startServer(basket, { POD_NAME: "a", ...first });
  await using b = await startServer(basket, { POD_NAME: "b", ...second });
  // Turn by turn, discovery goes to a, the question to b, and its answer to a.
  await using balancer = await startBalancer([a.port, b.port]);
  return await askAcrossPods(balancer.url, 3);
}

test("a question asked by one process is answered by another that has the same key", async () => {
  const MCP_REQUEST_STATE_KEY = newKey();
  const question = await askAcross({ MCP_REQUEST_STATE_KEY }, { MCP_REQUEST_STATE_KEY });
  expect(question).toEqual({ askedBy: "b", answeredBy: "a", tries: 1 });
});

test("with a key of its own each, the other process refuses the question's state", async () => {
  const { error } = await askAcross({}, {});
  expect(error).toContain("invalid_request_state");
});

test("a state sealed with the old key is still unsealed by a ring whose sealing key is newer", async () => {
  const [old, current] = [newKey(), newKey()];
  const question = await askAcross(
    { MCP_REQUEST_STATE_KEY: current, MCP_REQUEST_STATE_KEYS: `${current},${old}` },
    { MCP_REQUEST_STATE_KEY: old, MCP_REQUEST_STATE_KEYS: old },
  );
  expect(question).toEqual({ askedBy: "b", answeredBy: "a", tries: 1 });
});

test("a state sealed with a new key is unsealed by a ring that still seals with the old one", async () => {
  const [old, next] = [newKey(), newKey()];
  const question = await askAcross(
    { MCP_REQUEST_STATE_KEY: old, MCP_REQUEST_STATE_KEYS: `${old},${next}` },
    { MCP_REQUEST_STATE_KEY: next, MCP_REQUEST_STATE_KEYS: `${next},${old}` },
  );
  expect(question).toEqual({ askedBy: "b", answeredBy: "a", tries: 1 });
});

test("a key that is too short stops the start, and its value is not shown", async () => {
  const key = Buffer.from("not 32 bytes").toString("base64");
  const start = startServer(basket, { MCP_REQUEST_STATE_KEY: key });
  await expect(start).rejects.toThrow("must be the base64 of 32 bytes or more");
  await expect(start).rejects.not.toThrow(key);
});
