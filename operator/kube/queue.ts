// A queue of keys: each waits at most once, is worked on by one worker at a time, and backs off on its own. First come,
// first served.
import { type BackoffOptions, backoffDelay } from "./backoff.ts";

export interface Taken {
  key: string;
  /** For how long it waited, in milliseconds. */
  waited: number;
}

export interface Queue {
  /** Asks for work on the key; a key that is being worked on comes again when it is done. */
  add(key: string): void;
  /** The same, in `delay` milliseconds, unless it is asked for sooner. */
  addAfter(key: string, delay: number): void;
  /** The same, after a delay that grows with each failure in a row; `atLeast` milliseconds. */
  retry(key: string, atLeast?: number): void;
  /** How often in a row work on the key has failed. */
  failuresOf(key: string): number;
  /** Ends the count of failures. */
  forget(key: string): void;
  /** The next key to work on; undefined when the queue has been closed. */
  take(): Promise<Taken | undefined>;
  /** Work on the key is done. */
  done(key: string): void;
  /** Nothing more is handed out. */
  close(): void;
  readonly length: number;
}

export function createQueue(backoff: BackoffOptions): Queue {
  /** Since when each key waits. */
  const waiting = new Map<string, number>();
  const working = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  const idle: ((taken: Taken | undefined) => void)[] = [];
  let closed = false;

  function hand() {
    while (idle.length > 0) {
      const [first] = waiting;
      if (!first) return;
      const [key, since] = first;
      waiting.delete(key);
      working.add(key);
      idle.shift()?.({ key, waited: performance.now() - since });
    }
  }

  function add(key: string) {
    if (closed) return;
    cancel(key);
    if (working.has(key)) again.add(key);
    else if (!waiting.has(key)) {
      waiting.set(key, performance.now());
      hand();
    }
  }

  function cancel(key: string) {
    clearTimeout(timers.get(key)?.timer);
    timers.delete(key);
  }

  function addAfter(key: string, delay: number) {
    const at = Date.now() + delay;
    if (closed || waiting.has(key) || (timers.get(key)?.at ?? Number.POSITIVE_INFINITY) <= at) return;
    cancel(key);
    // A timer holds 2³¹ − 1 ms at most; a key that comes early asks again.
    const timer = setTimeout(add, Math.min(delay, 2 ** 31 - 1), key);
    timers.set(key, { at, timer });
  }

  return {
    add,
    addAfter,
    retry(key, atLeast = 0) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      addAfter(key, Math.max(atLeast, backoffDelay(count, backoff)));
    },
    failuresOf: (key) => failures.get(key) ?? 0,
    forget: (key) => void failures.delete(key),
    take() {
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        idle.push(resolve);
        hand();
      });
    },
    done(key) {
      working.delete(key);
      if (again.delete(key)) add(key);
    },
    close() {
      closed = true;
      for (const key of timers.keys()) cancel(key);
      for (const resolve of idle.splice(0)) resolve(undefined);
    },
    get length() {
      return waiting.size;
    },
  };
}
