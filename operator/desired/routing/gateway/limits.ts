// Rate limits as conditions on headers, and where the calls that they count come in.

import { legacyPool } from "../../../api/pool.ts";
import type { RateLimit } from "../../../api/routing.ts";
import { type HeaderMatch, methodHeader, nameHeader, type Rule, versionHeader } from "../table.ts";
import { matchesOf, type Unit } from "./match.ts";

const toolCall = "tools/call";

/** What the headers of all calls that a limit counts have in common; nothing: it counts every call. */
export function countedBy({ method, tool }: Pick<RateLimit, "method" | "tool">): HeaderMatch[] {
  if (tool !== undefined)
    return [
      { name: methodHeader, values: [toolCall] },
      { name: nameHeader, values: [tool] },
    ];
  return method === undefined ? [] : [{ name: methodHeader, values: [method] }];
}

/** How many matches (with regular expressions) the calls of a limit come in by: a gateway counts at each for itself. */
export function matchesCounted(limit: RateLimit, units: Unit[], path: string): number {
  const counted = countedBy(limit);
  const isAmong = ({ values }: Unit) =>
    counted.every(({ name, values: wanted }) => values[name] === undefined || wanted.includes(values[name]));
  /** Takes all calls of the limit that no more specific unit has taken; all of them have the modern version. */
  const takesAll = ({ values }: Unit) =>
    Object.keys(values).every((name) => name === versionHeader || counted.some((header) => header.name === name));
  // Clients of the old protocol send no such header; a stream of its own counted apart is nothing that anybody limits.
  const mayCount = ({ pool, endless }: Rule) => (counted.length > 0 ? pool !== legacyPool : !endless);
  const candidates = units
    .filter(({ rule }) => rule.path === path && mayCount(rule))
    .filter(isAmong)
    .toSorted((a, b) => Object.keys(b.values).length - Object.keys(a.values).length);
  const last = counted.length > 0 ? candidates.findIndex(takesAll) : -1;
  const reached = Map.groupBy(last === -1 ? candidates : candidates.slice(0, last + 1), ({ rule }) => rule);
  return [...reached.values()].flatMap((ofRule) => matchesOf(ofRule, true)).length;
}
