// Waiting for a condition: polls it closely until it holds, with a deadline and an error that names what was awaited.
import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** What is awaited, as the end of the sentence "timed out waiting for …". */
  for: string;
  /** In milliseconds. */
  timeout: number;
  /** In milliseconds; 50 unless told. */
  every?: number;
  signal?: AbortSignal;
  /** Adds to the error what helps to find the cause, such as the end of a log. */
  details?: () => string;
}

/**
 * Calls `condition` until it gives something other than `undefined` or `false`, and returns that. An error of `condition`
 * counts as "not yet" and its message is part of the timeout's error.
 */
export async function waitUntil<T>(condition: () => Promise<T> | T, options: WaitOptions): Promise<NonNullable<T>> {
  const deadline = Date.now() + options.timeout;
  for (;;) {
    options.signal?.throwIfAborted();
    const { result, error } = await attempt(condition);
    if (result !== undefined && result !== null && result !== false) return result;
    if (Date.now() > deadline) throw timedOut(options, error);
    await sleep(options.every ?? 50, undefined, options.signal ? { signal: options.signal } : {});
  }
}

async function attempt<T>(condition: () => Promise<T> | T): Promise<{ result?: T; error?: unknown }> {
  try {
    return { result: await condition() };
  } catch (error) {
    return { error };
  }
}

function timedOut(options: WaitOptions, error: unknown): Error {
  const reason = error === undefined ? "" : ` (last error: ${messageOf(error)})`;
  const details = options.details ? `\n${options.details()}` : "";
  return new Error(`timed out after ${options.timeout / 1000} s waiting for ${options.for}${reason}${details}`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
