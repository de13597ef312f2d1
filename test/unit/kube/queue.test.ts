import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backoffDelay } from "../../../operator/kube/backoff.ts";
import { runController } from "../../../operator/kube/controller.ts";
import { ApiError } from "../../../operator/kube/errors.ts";
import { createQueue, type Queue } from "../../../operator/kube/queue.ts";

describe("a delay between tries", () => {
  const attempt = fc.nat(10_000);
  const options = fc.record({
    initial: fc.integer({ min: 1, max: 10_000 }),
    max: fc.integer({ min: 10_000, max: 1_000_000 }),
  });

  test("is between half of its step and the whole, and never above the longest", () => {
    fc.assert(
      fc.property(
        attempt,
        options,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, { initial, max }, random) => {
          const step = Math.min(max, initial * 2 ** n);
          const delay = backoffDelay(n, { initial, max, random: () => random });
          expect(delay).toBeGreaterThanOrEqual(step / 2);
          expect(delay).toBeLessThanOrEqual(step);
        },
      ),
    );
  });

  test("doubles from try to try", () => {
    const delays = [0, 1, 2, 3, 4, 5].map((n) => backoffDelay(n, { initial: 100, max: 1000, random: () => 0 }));
    expect(delays).toEqual([50, 100, 200, 400, 500, 500]);
  });
});

/** The next key of a queue. */
const take = async (queue: Queue) => (await queue.take())?.key;

describe("a queue", () => {
  let queue: Queue;
  beforeEach(() => {
    vi.useFakeTimers();
    queue = createQueue({ initial: 100, max: 10_000, random: () => 0 });
  });
  afterEach(() => {
    queue.close();
    vi.useRealTimers();
  });
  /** What is ready to be worked on now, taken. */
  const ready = async () => {
    const keys = [];
    while (queue.length > 0) keys.push(await take(queue));
    return keys;
  };

  test("hands keys out in order, each once however often it is added", async () => {
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(queue.length).toBe(3);
    expect(await ready()).toEqual(["a", "b", "c"]);
  });

  test("wakes whoever waits for a key", async () => {
    const taken = take(queue);
    queue.add("a");
    expect(await taken).toBe("a");
  });

  test("says for how long a key waited, since it was first asked for", async () => {
    queue.add("a");
    await vi.advanceTimersByTimeAsync(700);
    queue.add("a");
    await vi.advanceTimersByTimeAsync(300);
    expect(await queue.take()).toEqual({ key: "a", waited: 1000 });
  });

  test("gives each of several waiting workers a key of its own", async () => {
    const taken = [take(queue), take(queue)];
    queue.add("a");
    queue.add("a");
    queue.add("b");
    expect(await Promise.all(taken)).toEqual(["a", "b"]);
  });

  test("never hands out a key that is being worked on, and hands it out once more when that is done", async () => {
    queue.add("a");
    await take(queue);
    queue.add("a");
    queue.add("a");
    expect(queue.length).toBe(0);
    queue.done("a");
    expect(await ready()).toEqual(["a"]);
    queue.done("a");
    expect(queue.length).toBe(0);
  });

  test("does nothing more when work is done and nobody asked again", async () => {
    queue.add("a");
    await take(queue);
    queue.done("a");
    expect(queue.length).toBe(0);
  });

  test("holds a key back until its time", async () => {
    queue.addAfter("a", 1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(queue.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ready()).toEqual(["a"]);
  });

  test("keeps the earlier of two times", async () => {
    queue.addAfter("a", 1000);
    queue.addAfter("a", 5000);
    queue.addAfter("b", 5000);
    queue.addAfter("b", 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await ready()).sort()).toEqual(["a", "b"]);
    queue.done("a");
    queue.done("b");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(queue.length).toBe(0);
  });

  test("forgets a later time when the key is asked for now", async () => {
    queue.addAfter("a", 1000);
    queue.add("a");
    expect(await ready()).toEqual(["a"]);
    queue.done("a");
    await vi.advanceTimersByTimeAsync(2000);
    expect(queue.length).toBe(0);
  });

  test("is not confused by times that no timer can hold", async () => {
    queue.addAfter("a", 90 * 24 * 3600 * 1000);
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
    expect(queue.length).toBe(0);
  });

  /** Milliseconds until the key is ready. */
  const wait = async (key: string) => {
    const began = Date.now();
    while (queue.length === 0) await vi.advanceTimersToNextTimerAsync();
    expect(await take(queue)).toBe(key);
    queue.done(key);
    return Date.now() - began;
  };

  test("waits longer after each failure in a row, up to the longest, and begins anew once forgotten", async () => {
    const delays = [];
    for (let n = 0; n < 9; n++) {
      queue.retry("a");
      delays.push(await wait("a"));
    }
    expect(delays).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    queue.forget("a");
    queue.retry("a");
    expect(await wait("a")).toBe(50);
  });

  test("counts failures of each key on its own", async () => {
    for (let n = 0; n < 3; n++) {
      queue.retry("a");
      await wait("a");
    }
    queue.retry("b");
    expect(await wait("b")).toBe(50);
  });

  test("waits at least as long as the server asked", async () => {
    queue.retry("a", 7000);
    expect(await wait("a")).toBe(7000);
  });

  test("hands nothing out once it is closed, and lets go of all timers and of who waits", async () => {
    queue.addAfter("a", 1000);
    queue.add("b");
    await take(queue);
    const waiting = take(queue);
    queue.add("b");
    queue.close();
    expect(await waiting).toBeUndefined();
    queue.done("b");
    queue.add("c");
    queue.addAfter("c", 1);
    expect(vi.getTimerCount()).toBe(0);
    expect(await take(queue)).toBeUndefined();
  });

  /** A queue, what is being worked on, and what was asked for and not taken since. */
  interface Model {
    queue: Queue;
    working: Set<string>;
    owed: Set<string>;
  }
  type Move = (model: Model, key: string) => Promise<void>;
  const adding: Move = async ({ queue: each, owed }, key) => {
    each.add(key);
    owed.add(key);
  };
  const taking: Move = async ({ queue: each, working, owed }) => {
    if (each.length === 0) return;
    const taken = (await take(each)) ?? "";
    expect(working.has(taken)).toBe(false);
    working.add(taken);
    owed.delete(taken);
  };
  const finishing: Move = async ({ queue: each, working }, key) => {
    if (working.delete(key)) each.done(key);
  };

  test("works on no key twice at once and loses none, whatever is asked in whatever order", async () => {
    const move = fc.tuple(fc.constantFrom(adding, taking, finishing), fc.constantFrom("a", "b", "c"));
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 80 }), async (moves) => {
        const model = {
          queue: createQueue({ initial: 1, max: 1 }),
          working: new Set<string>(),
          owed: new Set<string>(),
        };
        for (const [make, key] of moves) await make(model, key);
        for (const key of model.working) model.queue.done(key);
        const rest = new Set<string | undefined>();
        while (model.queue.length > 0) rest.add(await take(model.queue));
        expect([...rest].sort()).toEqual([...model.owed].sort());
      }),
    );
  });
});

describe("a controller", () => {
  test("works on at most so many keys at once, and ends when the queue is closed and work is done", async () => {
    const queue = createQueue({ initial: 1, max: 1 });
    let now = 0;
    let most = 0;
    const all = Promise.withResolvers<void>();
    const seen: string[] = [];
    const reconcile = async (key: string) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      if (seen.push(key) === 6) all.resolve();
      return {};
    };
    for (const key of "abcdef") queue.add(key);
    const running = runController({ queue, workers: 3, reconcile, failed: () => undefined });
    await all.promise;
    queue.close();
    await running;
    expect(most).toBe(3);
    expect(seen.sort().join("")).toBe("abcdef");
  });

  test("tries a key again that failed, and goes on with the others meanwhile", async () => {
    const queue = createQueue({ initial: 1, max: 5 });
    const done = Promise.withResolvers<void>();
    const failures: unknown[] = [];
    let tries = 0;
    const others: string[] = [];
    const reconcile = async (key: string) => {
      if (key !== "poison") others.push(key);
      else if (++tries < 4) throw new Error("no");
      else done.resolve();
      return {};
    };
    for (const key of ["poison", "a", "b"]) queue.add(key);
    const running = runController({ queue, workers: 1, reconcile, failed: (_, error) => failures.push(error) });
    await done.promise;
    queue.close();
    await running;
    expect(failures).toHaveLength(3);
    expect(others).toEqual(["a", "b"]);
  });

  test("tells what became of each piece of work, and how long it waited and took", async () => {
    const queue = createQueue({ initial: 60_000, max: 60_000 });
    const ends: string[] = [];
    const all = Promise.withResolvers<void>();
    const metrics = {
      began: (waited: number) => expect(waited).toBeGreaterThanOrEqual(0),
      ended: (result: string, took: number) => {
        expect(took).toBeGreaterThanOrEqual(0);
        if (ends.push(result) === 3) all.resolve();
      },
    };
    const reconcile = async (key: string) => {
      if (key === "bad") throw new Error("no");
      return key === "later" ? { after: 60_000 } : {};
    };
    for (const key of ["good", "later", "bad"]) queue.add(key);
    const running = runController({ queue, workers: 1, reconcile, failed: () => undefined, metrics });
    await all.promise;
    queue.close();
    await running;
    expect(ends).toEqual(["success", "requeue_after", "error"]);
  });

  test("waits as long as the server asked, and comes back when the work asks for it", async () => {
    const asked: [string, number][] = [];
    const queue = createQueue({ initial: 1, max: 1 });
    const spied: Queue = {
      ...queue,
      addAfter: (key, delay) => asked.push([key, delay]),
      retry: (key, atLeast = 0) => asked.push([key, atLeast]),
    };
    const ended = Promise.withResolvers<void>();
    const reconcile = async (key: string) => {
      if (key === "limited") throw new ApiError(429, {}, 9);
      ended.resolve();
      return { after: 5 };
    };
    queue.add("limited");
    queue.add("later");
    const running = runController({ queue: spied, workers: 1, reconcile, failed: () => undefined });
    await ended.promise;
    await new Promise(setImmediate);
    queue.close();
    await running;
    expect(asked).toEqual([
      ["limited", 9000],
      ["later", 5],
    ]);
  });
});
