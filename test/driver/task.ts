// A tool that becomes a task, with the official Tasks client. The SDK's own client refuses task results, so requests go over
// fetch.
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";
import type { JsonValue } from "@modelcontextprotocol/ext-tasks/core";
import * as z from "zod";
import { connect, createAgent, type Fetch, fetchBy } from "./client.ts";
import { type Exchange, watched } from "./watched.ts";

const taskCall = z.object({
  url: z.string(),
  /** See `connect`. */
  via: z.string().optional(),
  tool: z.string(),
  args: z.record(z.string(), z.json()),
});

export type TaskCall = z.input<typeof taskCall>;

export interface TaskEnded {
  readonly result: unknown;
  readonly exchanges: Exchange[];
}

const version = "2026-07-28";
const framing = {
  protocolVersion: version,
  clientInfo: { name: "anypod-driver", version: "1.0.0" },
  clientCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
};

/**
 * Calls the tool and polls the task that comes of it until its end.
 * @param wrap what is done around each request
 */
export async function callTask(what: TaskCall, wrap = (fetch: Fetch) => fetch): Promise<TaskEnded> {
  const { url, via, tool, args } = taskCall.parse(what);
  await using caller = await connect(url, "fresh", via, wrap);
  const agent = createAgent("fresh", via);
  const { fetch, ended } = watched(wrap(fetchBy(agent)));
  try {
    await using session = createTaskSessionFromClient(caller.client, {
      endpointId: url,
      rawDispatch: (request) => dispatch(fetch, url, request as unknown as Message),
      v2RequestFraming: framing,
    });
    const execution = await session.callTool(tool, args);
    const { outcome } = await execution.settle();
    return { result: resultFromTaskOutcome(outcome), exchanges: await ended() };
  } finally {
    await agent.destroy();
  }
}

interface Message {
  method: string;
  params: { name?: string; taskId?: string };
}

async function dispatch(fetch: Fetch, url: string, message: Message) {
  const { method, params } = message;
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "mcp-method": method,
      "mcp-name": params.name ?? params.taskId ?? "",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...message }),
  });
  const { result, error } = (await answer.json()) as { result: JsonValue; error?: never };
  return error ? { kind: "error" as const, error } : { kind: "result" as const, result };
}
