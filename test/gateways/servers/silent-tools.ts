// Tools that say nothing for as long as they are told.
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type Tool, text } from "../../conformance-server/tool.ts";

const inputSchema = z.object({ milliseconds: z.number() });
const silence = ({ milliseconds }: { milliseconds?: unknown }, { mcpReq }: ServerContext) =>
  sleep(Number(milliseconds), undefined, { signal: mcpReq.signal });

export const silentTools: readonly Tool[] = [
  {
    name: "think",
    description: "Answers in one JSON body, in the end",
    inputSchema,
    call: async (args, context) => {
      await silence(args, context);
      return text("thought");
    },
  },
  {
    name: "begin",
    description: "Tells the time as its progress, and answers in the end",
    inputSchema,
    call: async (args, context) => {
      const progress = { progressToken: context.mcpReq._meta?.progressToken ?? 0, progress: Date.now() };
      await context.mcpReq.notify({ method: "notifications/progress", params: progress });
      await silence(args, context);
      return text("ended");
    },
  },
];
