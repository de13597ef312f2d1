// A lock between processes: a file that its holder touches every second. A holder that was killed stops touching it, and
// the next one takes over.
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { waitUntil } from "./wait.ts";

const beat = 1000;
const stale = 10_000;

export interface LockOptions {
  path: string;
  /** Called once when another process holds the lock. */
  waiting?: () => void;
  signal?: AbortSignal;
}

/** Runs `work` while no other process is inside the same lock. */
export async function withLock<T>({ path, waiting, signal }: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  if (!take(path)) {
    waiting?.();
    const options = { for: `${path} to be free`, timeout: 60 * 60_000, every: 200 };
    await waitUntil(() => take(path), signal ? { ...options, signal } : options);
  }
  const touching = setInterval(() => touch(path), beat).unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (isStale(path)) rmSync(path, { force: true });
    return false;
  }
}

function isStale(path: string): boolean {
  const held = statSync(path, { throwIfNoEntry: false });
  return held !== undefined && Date.now() - held.mtimeMs > stale;
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Taken over while this machine slept: the work is safe to do twice.
  }
}
