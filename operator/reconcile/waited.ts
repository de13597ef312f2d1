// How long something has lasted, for steps that give gateways time to learn of the one before.

/** Milliseconds since it was first asked how long this has lasted. */
export type Waited = (id: string) => number;

/** Longer than any step; what is asked for again later begins anew. */
const forgets = 60_000;

/** In memory alone: a new process begins to wait anew, which only makes a step later. @param now milliseconds since the epoch */
export function createWaited(now: () => number): Waited {
  /** When each began; the longest known first. */
  const begun = new Map<string, number>();
  return (id) => {
    for (const [other, began] of begun) {
      if (began + forgets > now()) break;
      begun.delete(other);
    }
    const began = begun.get(id) ?? now();
    begun.set(id, began);
    return now() - began;
  };
}
