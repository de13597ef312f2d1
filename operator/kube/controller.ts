// Workers that take keys from a queue and reconcile them, a bounded number at once.
import { ApiError, Incomplete } from "./errors.ts";
import type { Queue } from "./queue.ts";

export type Result = "success" | "requeue_after" | "error";

export interface ControllerMetrics {
  /** Work began on a key that had waited for so many seconds. */
  began(waited: number): void;
  /** It ended, so many seconds later. */
  ended(result: Result, took: number): void;
}

export interface ControllerOptions {
  metrics?: ControllerMetrics;
  queue: Queue;
  workers: number;
  /**
   * Brings one key to its desired state, after so many failures in a row; returns when to look again, in milliseconds.
   * Throws to be tried again.
   */
  reconcile: (key: string, failures: number) => Promise<{ after?: number | undefined }>;
  failed: (key: string, error: unknown) => void;
}

async function handle(key: string, { queue, reconcile, failed }: ControllerOptions): Promise<Result> {
  try {
    const { after } = await reconcile(key, queue.failuresOf(key));
    queue.forget(key);
    if (after === undefined) return "success";
    queue.addAfter(key, after);
    return "requeue_after";
  } catch (error) {
    failed(key, error);
    if (error instanceof Incomplete) queue.forget(key);
    const cause = error instanceof Incomplete ? error.cause : error;
    queue.retry(key, cause instanceof ApiError ? (cause.retryAfter ?? 0) * 1000 : 0);
    return "error";
  } finally {
    queue.done(key);
  }
}

async function work(options: ControllerOptions): Promise<void> {
  const { queue, metrics } = options;
  for (;;) {
    const next = await queue.take();
    if (next === undefined) return;
    metrics?.began(next.waited / 1000);
    const began = performance.now();
    const result = await handle(next.key, options);
    metrics?.ended(result, (performance.now() - began) / 1000);
  }
}

/** Runs the workers until the queue is closed and what they are at is done. */
export async function runController(options: ControllerOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => work(options)));
}
