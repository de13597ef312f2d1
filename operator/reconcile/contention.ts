// Slows down the healing of an object that somebody else keeps changing: two controllers at odds must not keep each other,
// and the API server, busy for ever.

/** So many heals at once … */
const burst = 20;
/** … and then one in so many milliseconds. */
const refill = 3000;

/** How long to wait before the object of this uid is healed once more, in milliseconds; 0 takes the turn. */
export type Contention = (uid: string) => number;

/** @param now milliseconds since the epoch */
export function createContention(now: () => number): Contention {
  /** When the object's last turn is paid off; the longest unchanged first. */
  const paidOff = new Map<string, number>();
  return (uid) => {
    const time = now();
    const due = Math.max(paidOff.get(uid) ?? 0, time) + refill;
    const wait = due - time - burst * refill;
    if (wait > 0) return wait;
    paidOff.delete(uid);
    paidOff.set(uid, due);
    for (const [oldest, at] of paidOff) {
      if (at > time) break;
      paidOff.delete(oldest);
    }
    return 0;
  };
}
