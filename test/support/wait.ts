// Waiting for conditions: tests never sleep.
import { setTimeout as delay } from "node:timers/promises";

/**
 * Calls `probe` until it returns something but undefined or false, and returns that.
 * @param what is awaited, for the error
 * @throws Error with the last thing that went wrong, after `seconds`
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 30,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown = "";
  do {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await delay(50);
  } while (Date.now() < deadline);
  throw new Error(`after ${seconds} s still waiting until ${what}${last instanceof Error ? `: ${last.message}` : ""}`, {
    cause: last,
  });
}

/** Longer than anything that the operator puts off while nothing happens: counts of pods wait for two seconds. */
const still = 2500;

/** Waits until `count`, of requests as a rule, has stood still for a while, and returns it. */
export async function untilQuiet(count: () => number): Promise<number> {
  let before = -1;
  let since = Date.now();
  await eventually("the operator is quiet", () => {
    const now = count();
    if (now !== before) since = Date.now();
    before = now;
    return Date.now() - since > still;
  });
  return before;
}
