// Keeps the pods of a pool that the spec no longer has until gateways have learnt that no call goes there.

/** How long gateways may take to learn of a changed route, in milliseconds. */
const time = 10_000;

/** How long the object of this uid has to stay, in milliseconds; the first call begins the wait. */
export type Linger = (uid: string) => number;

/** In memory alone: a new process begins the wait anew, which only keeps pods for longer. @param now milliseconds since the epoch */
export function createLinger(now: () => number): Linger {
  /** When each may go; the longest known first. */
  const mayGo = new Map<string, number>();
  return (uid) => {
    const at = mayGo.get(uid) ?? now() + time;
    mayGo.set(uid, at);
    for (const [other, over] of mayGo) {
      if (over + time > now()) break;
      mayGo.delete(other);
    }
    return Math.max(0, at - now());
  };
}
