// Calls of the basket server's tools, and many calls in a row.
import type { Client } from "@modelcontextprotocol/client";
import * as z from "zod";
import { connect } from "./client.ts";
import { type Answerer, count, createTally, type Tally } from "./tally.ts";

const answerer = z.object({ pod: z.string(), version: z.string() });

// The client takes a stream that breaks off for a pause, and waits until its own time-out: 60 s if not told otherwise.
const PATIENCE_MS = 15_000;

/** Calls the fast tool, which answers in one JSON body. */
export async function callFast(client: Client): Promise<Answerer> {
  const result = await client.callTool({ name: "price", arguments: { item: "tea" } }, { timeout: PATIENCE_MS });
  return answerer.parse(result.structuredContent);
}

/** Calls the slow tool and asks for progress, so that it answers with an SSE stream. */
export async function callSlow(client: Client, milliseconds: number): Promise<Answerer> {
  let progress = 0;
  const onprogress = () => {
    progress += 1;
  };
  const result = await client.callTool(
    { name: "gift_wrap", arguments: { milliseconds } },
    { onprogress, timeout: milliseconds + PATIENCE_MS },
  );
  if (progress === 0) throw new Error("the stream brought a result but no progress");
  return answerer.parse(result.structuredContent);
}

/** Calls the fast tool `n` times, each time on a connection of its own, so that any pod may answer. For `via`, see `connect`. */
export async function makeCalls(url: string, n: number, via?: string): Promise<Tally> {
  const tally = createTally();
  await using caller = await connect(url, "fresh", via);
  for (let i = 0; i < n; i += 1) await count(tally, () => callFast(caller.client));
  return tally;
}
