// gift_wrap: the slow tool. It reports progress when the client asks for it, which turns the answer into an SSE stream,
// and it stops when the client goes away.
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type OfferTools, reply } from "./tool.ts";

// Below DRAIN_SECONDS, so that a pod that leaves can finish every call that it has.
const LONGEST_MS = 25_000;
const STEPS = 5;

export const offerGiftWrap: OfferTools = (server, { self }) => {
  server.registerTool(
    "gift_wrap",
    {
      description: "Wraps something up, slowly",
      inputSchema: z.object({ milliseconds: z.number().int().min(0).max(LONGEST_MS) }),
    },
    async ({ milliseconds }, context) => {
      for (let step = 1; step <= STEPS; step += 1) {
        await sleep(milliseconds / STEPS, undefined, { signal: context.mcpReq.signal });
        await reportProgress(context, step);
      }
      return reply({ milliseconds, ...self });
    },
  );
};

async function reportProgress({ mcpReq }: ServerContext, step: number): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: step, total: STEPS } });
}
