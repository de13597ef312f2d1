// Bounds how much runs at once.

/** Runs the work as soon as fewer than the limit are running, in the order in which it was asked for. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** @param most how many at once */
export function createLimit(most: number): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, not given back, so that nobody can push in between.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
