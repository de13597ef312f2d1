// Follows all objects of a kind straight at the API server, for the suite's own eyes: list, watch, and again when that ends.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./snapshot.ts";

interface WatchOptions<T> {
  client: Client;
  path: string;
  labelSelector?: string;
  /** Every object that is there, and every new version of one; also one that was just deleted. */
  seen: (object: T) => void;
}

async function follow<T>({ client, path, labelSelector, seen }: WatchOptions<T>, signal: AbortSignal): Promise<void> {
  const { metadata, items } = await client.json<{ metadata: { resourceVersion: string }; items: T[] }>({
    path,
    query: { labelSelector },
    signal,
  });
  for (const item of items) seen(item);
  const query = { watch: true, labelSelector, resourceVersion: metadata.resourceVersion };
  for await (const line of client.lines({ path, query, timeout: 0, signal })) {
    const { type, object } = JSON.parse(line) as { type: string; object: T };
    if (type === "ERROR") return;
    seen(object);
  }
}

/** Goes on until it is stopped. */
export function watchAll<T>(options: WatchOptions<T>): { stop(): Promise<void> } {
  const abort = new AbortController();
  async function run() {
    while (!abort.signal.aborted) {
      // The API server ends watches now and then, and every one of a kind whose definition goes.
      await follow(options, abort.signal).catch(() => {});
      await delay(200, undefined, { signal: abort.signal }).catch(() => {});
    }
  }
  const ended = run();
  return {
    async stop() {
      abort.abort();
      await ended;
    },
  };
}
