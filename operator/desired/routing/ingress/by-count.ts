// A table for controllers that know no order of rules: to them the rule with more headers counts.
import type { Rule } from "../table.ts";
import { asksForLess, meet, without } from "./overlap.ts";

/** A rule, or a part of one, with the place in the table of what it comes from. */
interface Placed<T> {
  rule: T;
  place: number;
}

/** Whether its requests are to be left to it: those of an earlier rule, and what is there of this one already. */
const goesFirst = <T extends Rule>(other: Placed<T>, { rule, place }: Placed<T>) =>
  asksForLess(other.rule, rule) &&
  (other.place < place || (other.place === place && other.rule.headers.length === rule.headers.length));

/** Adds a rule, so that by count of headers all that come before it in the table still go first. */
function add<T extends Rule>(all: Placed<T>[], added: Placed<T>): void {
  const pieces = all
    .filter((other) => goesFirst(other, added))
    .reduce((left, { rule }) => left.flatMap((piece) => without(piece, rule)), [added.rule]);
  for (const piece of pieces) {
    cede(all, { ...added, rule: piece });
    all.push({ ...added, rule: piece });
  }
}

/** Adds rules with more headers, for the requests that fit an earlier rule as well. */
function cede<T extends Rule>(all: Placed<T>[], { rule, place }: Placed<T>): void {
  for (const earlier of all.filter((other) => other.place < place)) {
    if (earlier.rule.headers.length > rule.headers.length || asksForLess(earlier.rule, rule)) continue;
    const headers = meet(earlier.rule, rule);
    if (headers) add(all, { ...earlier, rule: { ...earlier.rule, headers } });
  }
}

/** Rules of which no two with equally many headers fit one request: the one with the most is the first that fits in `rules`. */
export function byCount<T extends Rule>(rules: T[]): T[] {
  const all: Placed<T>[] = [];
  for (const [place, rule] of rules.entries()) add(all, { rule, place });
  return all.map(({ rule }) => rule).toSorted((a, b) => b.headers.length - a.headers.length);
}
