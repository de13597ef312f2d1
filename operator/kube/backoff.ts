// Delays between tries: doubling, with a cap and jitter.

export interface BackoffOptions {
  /** First delay, in milliseconds. */
  initial: number;
  /** Longest delay, in milliseconds. */
  max: number;
  /** In [0, 1); injected by tests. */
  random?: () => number;
}

/** Delay before try `attempt` (from 0), in milliseconds: between half of the step and the whole. */
export function backoffDelay(attempt: number, { initial, max, random = Math.random }: BackoffOptions): number {
  const step = Math.min(max, initial * 2 ** Math.min(attempt, 30));
  return step / 2 + (step / 2) * random();
}
