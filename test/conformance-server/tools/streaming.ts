// Tools that say something before their result: log messages and progress.
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerContext } from "@modelcontextprotocol/server";
import { type Tool, text } from "../tool.ts";

export const streamingTools: readonly Tool[] = [
  {
    name: "test_logging_tool",
    description: "Logs, for clients that ask for a log level",
    call: async (_args, context) => {
      await context.mcpReq.log("info", "test_logging_tool was called");
      return text("Logged.");
    },
  },
  {
    name: "test_tool_with_logging",
    description: "Logs three times",
    call: async (_args, context) => {
      for (const message of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await context.mcpReq.log("info", message);
        await sleep(50);
      }
      return text("Logged three times.");
    },
  },
  {
    name: "test_tool_with_progress",
    description: "Reports progress three times",
    call: async (_args, context) => {
      for (const progress of [0, 50, 100]) {
        await reportProgress(context, progress);
        await sleep(50);
      }
      return text("Reported progress three times.");
    },
  },
  {
    name: "test_reconnection",
    description: "Closes the stream of a 2025 client before the result, so that it reconnects",
    call: async (_args, context) => {
      context.http?.closeSSE?.();
      await sleep(100);
      return text("Reconnection test completed.");
    },
  },
];

async function reportProgress({ mcpReq }: ServerContext, progress: number): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
}
