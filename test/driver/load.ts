// Constant load until it is stopped: fast JSON calls and slow SSE calls, on kept-alive connections and on fresh ones.
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@modelcontextprotocol/client";
import { callFast, callSlow } from "./calls.ts";
import { type Connection, connect } from "./client.ts";
import { type Answerer, count, createTally, type Tally } from "./tally.ts";

export interface LoadTally extends Tally {
  readonly byKind: Record<string, { calls: number; failed: number }>;
}

export interface Load {
  readonly tally: LoadTally;
  /** Starts no more calls and resolves when those in flight have ended. */
  stop(): Promise<LoadTally>;
}

interface Kind {
  readonly speed: "fast" | "slow";
  readonly connection: Connection;
}

// Between two fast calls, so that the load is an application's and not a benchmark's.
const PAUSE_MS = 15;

const kinds: readonly Kind[] = [
  { speed: "fast", connection: "kept" },
  { speed: "slow", connection: "kept" },
  { speed: "fast", connection: "fresh" },
  { speed: "slow", connection: "fresh" },
];

/**
 * Starts `workers` callers; each one is of one kind, the kinds take turns. Rejects when the server cannot be reached. For
 * `via`, see `connect`.
 */
export async function startLoad(url: string, workers: number, via?: string): Promise<Load> {
  const tally: LoadTally = { ...createTally(), byKind: {} };
  const stopping = new AbortController();
  const callers = await Promise.all(
    Array.from({ length: workers }, async (_, i) => {
      const kind = kinds[i % kinds.length] as Kind;
      return { kind, caller: await connect(url, kind.connection, via) };
    }),
  );
  const running = callers.map(async ({ kind, caller }) => {
    await using _closed = caller;
    while (!stopping.signal.aborted) await callOnce(tally, kind, caller.client);
  });
  const stop = async () => {
    stopping.abort();
    await Promise.all(running);
    return tally;
  };
  return { tally, stop };
}

async function callOnce(tally: LoadTally, { speed, connection }: Kind, client: Client): Promise<void> {
  const name = `${speed}-${connection}`;
  const call = async (): Promise<Answerer> =>
    speed === "fast" ? callFast(client) : callSlow(client, 200 + Math.floor(Math.random() * 2800));
  const one = createTally();
  await count(one, call);
  const ofKind = tally.byKind[name] ?? { calls: 0, failed: 0 };
  tally.byKind[name] = { calls: ofKind.calls + 1, failed: ofKind.failed + one.failed };
  merge(tally, one);
  if (speed === "fast") await pause(PAUSE_MS);
}

function merge(sum: Tally, one: Tally): void {
  sum.calls += one.calls;
  sum.failed += one.failed;
  if (sum.errors.length < 20) sum.errors.push(...one.errors);
  for (const [pod, n] of Object.entries(one.pods)) sum.pods[pod] = (sum.pods[pod] ?? 0) + n;
  for (const [version, n] of Object.entries(one.versions)) sum.versions[version] = (sum.versions[version] ?? 0) + n;
}
