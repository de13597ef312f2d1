// What calls and the log hear when a store is away: in bounded time, once, and without a word of its URL.
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "./log.ts";
import { reasonOf } from "./reason.ts";
import type { Store } from "./store.ts";

/** No call waits longer than this for the store. */
export const LIMIT_MS = 5000;

/** What a client is told. The reason is for the log only. */
class StoreError extends Error {}

export interface Outages {
  /** Tells the log why, when it is news. */
  failed(error: unknown): void;
  working(): void;
}

export function watchOutages(log: Log): Outages {
  let last: string | undefined;
  return {
    failed: (error) => {
      const reason = reasonOf(error);
      // That calls wait in vain is no news when it is known why.
      if (reason === "timeout" && last) return;
      if (reason !== last) log.warn({ reason }, "task store can't be used");
      last = reason;
    },
    working: () => {
      if (last !== "") log.info("task store connected");
      last = "";
    },
  };
}

/** The same store, whose calls end in time, with a result or a `StoreError`. */
export function bounded(store: Store, outages: Outages): Store {
  const limited = async <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    try {
      const result = await Promise.race([work, timeLimit(over.signal)]);
      outages.working();
      return result;
    } catch (error) {
      outages.failed(error);
      throw new StoreError("The task store can't be reached: try again later");
    } finally {
      over.abort();
    }
  };
  return {
    create: (key, fields, lifetimeMs) => limited(store.create(key, fields, lifetimeMs)),
    merge: (key, fields) => limited(store.merge(key, fields)),
    read: (key) => limited(store.read(key)),
    // A store that is away must not keep a pod from leaving.
    close: () => Promise.race([store.close().catch(outages.failed), sleep(1000, undefined, { ref: false })]),
  };
}

async function timeLimit(signal: AbortSignal): Promise<never> {
  await sleep(LIMIT_MS, undefined, { signal });
  throw new Error("timeout");
}
