// Workers that take keys from a queue and reconcile them, a bounded number at once.
import { ApiError } from "./errors.ts";
import type { Queue } from "./queue.ts";

export interface ControllerOptions {
  queue: Queue;
  workers: number;
  /** Brings one key to its desired state; returns when to look again, in milliseconds. Throws to be tried again. */
  reconcile: (key: string) => Promise<{ after?: number | undefined }>;
  failed: (key: string, error: unknown) => void;
}

async function handle(key: string, { queue, reconcile, failed }: ControllerOptions): Promise<void> {
  try {
    const { after } = await reconcile(key);
    queue.forget(key);
    if (after !== undefined) queue.addAfter(key, after);
  } catch (error) {
    failed(key, error);
    queue.retry(key, error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0);
  } finally {
    queue.done(key);
  }
}

async function work(options: ControllerOptions): Promise<void> {
  for (;;) {
    const key = await options.queue.take();
    if (key === undefined) return;
    await handle(key, options);
  }
}

/** Runs the workers until the queue is closed and what they are at is done. */
export async function runController(options: ControllerOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => work(options)));
}
