// The Tasks extension, message by message: to whom each goes is for the test to say, and every word of the answer for it to see.
import type { Answer, Sendable } from "../driver/send.ts";
import type { Driver } from "../support/driver.ts";

const version = "2026-07-28";
const envelope = {
  "io.modelcontextprotocol/protocolVersion": version,
  "io.modelcontextprotocol/clientInfo": { name: "anypod-test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } },
};

export interface Said {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every kind
  result?: any;
  error?: { code: number; message: string };
}

export interface Message {
  method: string;
  params: { name?: string; taskId?: string; [key: string]: unknown };
}

function sendable(url: string, { method, params }: Message): Sendable {
  return {
    url,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "mcp-method": method,
      "mcp-name": params.name ?? params.taskId ?? "",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: envelope } }),
  };
}

function said({ status, body }: Answer): Said {
  const text = /^data: ?(.*)$/m.exec(body)?.[1] ?? body;
  try {
    return { status, ...JSON.parse(text) };
  } catch {
    return { status, error: { code: 0, message: text } };
  }
}

const tool = (name: string, args: object): Message => ({ method: "tools/call", params: { name, arguments: args } });
export const get = (taskId: string): Message => ({ method: "tasks/get", params: { taskId } });
export const cancel = (taskId: string): Message => ({ method: "tasks/cancel", params: { taskId } });
export const answerCard = (taskId: string, text: string): Message => ({
  method: "tasks/update",
  params: { taskId, inputResponses: { card: { action: "accept", content: { text } } } },
});
export const price = tool("price", { item: "tea" });
/** Becomes a task. */
export const pack = (basket: string, how: { milliseconds?: number; with_card?: boolean } = {}): Message =>
  tool("pack_basket", { basket_id: basket, ...how });

export interface Speaker {
  /** Sends all messages at once, each on a connection of its own. */
  ask(url: string, messages: Message[]): Promise<Said[]>;
  /** Rejects when it isn't done. */
  makeBasket(url: string): Promise<string>;
  makeTask(url: string, basket: string, how?: { milliseconds?: number; with_card?: boolean }): Promise<string>;
  /** What tasks/get says of it. */
  task(url: string, taskId: string): Promise<Said["result"]>;
}

export function speaker(driver: Driver): Speaker {
  const ask: Speaker["ask"] = async (url, messages) =>
    (await driver.sendAll(messages.map((each) => sendable(url, each)))).map(said);
  const one = async (url: string, message: Message) => {
    const [{ result, error }] = (await ask(url, [message])) as [Said];
    if (!result || result.isError) throw new Error(JSON.stringify(error ?? result));
    return result;
  };
  return {
    ask,
    makeBasket: async (url) => (await one(url, tool("create_basket", {}))).structuredContent.basket_id,
    makeTask: async (url, basket, how) => (await one(url, pack(basket, how))).taskId,
    task: (url, taskId) => one(url, get(taskId)),
  };
}
