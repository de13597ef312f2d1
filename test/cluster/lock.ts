// A lock between processes: a file that names its holder, who touches it every second. When the holder was killed, or stops
// touching it, the next one takes over.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isAlive } from "./processes.ts";
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
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (!["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    removeStaleLock(path);
    return false;
  }
}

/** Removes a lock whose holder is gone. */
export function removeStaleLock(path: string): void {
  const held = statSync(path, { throwIfNoEntry: false });
  if (held && (Date.now() - held.mtimeMs > stale || isHolderGone(path))) rmSync(path, { force: true });
}

function isHolderGone(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // Empty for a moment after it was made.
    return pid > 0 && !isAlive(pid);
  } catch {
    return false;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Taken over while this machine slept: the work is safe to do twice.
  }
}
