// Remembered answers: what is asked of stores and pods, in the background, now and then. Who wants to know gets the last
// answer at once, and is told when there is another.
import { isDeepStrictEqual } from "node:util";
import { createLimit } from "../kube/limit.ts";

export interface Question<T> {
  id: string;
  /** Another version is another question; the last answer says nothing about it. */
  version: string;
  /** Never rejects. */
  ask: () => Promise<T>;
  /** How long the answer is good, in milliseconds; `again` tells how often it has been the same before, in a row. */
  lasts: (answer: T, again: number) => number;
  /** Called when it was answered. */
  answered: () => void;
}

export interface Known<T> {
  /** None yet. */
  answer: T | undefined;
  /** When to come again, in milliseconds; undefined while it is being asked, or when the answer is good for ever. */
  after: number | undefined;
}

export type Answers = <T>(question: Question<T>) => Known<T>;

interface Entry {
  version: string;
  answer?: unknown;
  at: number;
  lasts: number;
  again: number;
  asking: boolean;
  wanted: number;
}

/** How many are asked at once; each may take seconds. */
const atOnce = 16;
/** What nobody has wanted to know for so long is forgotten, in milliseconds. */
const forgets = 3_600_000;

/** @param now milliseconds since the epoch */
export function createAnswers(now: () => number): Answers {
  const known = new Map<string, Entry>();
  const limit = createLimit(atOnce);

  function forget(): void {
    for (const [id, { wanted, asking }] of known) if (!asking && wanted + forgets < now()) known.delete(id);
  }

  async function ask<T>({ ask, lasts, answered }: Question<T>, entry: Entry): Promise<void> {
    entry.asking = true;
    const answer = await limit(ask);
    const isSame = isDeepStrictEqual(entry.answer, answer);
    const again = isSame ? entry.again + 1 : 0;
    Object.assign(entry, { asking: false, at: now(), again, lasts: lasts(answer, again) });
    if (!isSame) entry.answer = answer;
    answered();
  }

  return <T>(question: Question<T>) => {
    const { id, version } = question;
    const before = known.get(id);
    if (!before) forget();
    const fresh = { version, at: 0, lasts: 0, again: 0, asking: false, wanted: 0 };
    const entry: Entry = before?.version === version ? before : fresh;
    known.set(id, entry);
    entry.wanted = now();
    const due = entry.at + entry.lasts - now();
    if (due <= 0 && !entry.asking) void ask(question, entry);
    return { answer: entry.answer as T | undefined, after: due > 0 && Number.isFinite(due) ? due : undefined };
  };
}
