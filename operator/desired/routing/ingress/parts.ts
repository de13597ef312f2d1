// The table, cut so that each rate limit is for whole rules: what a limit of a method or of a tool is for becomes a rule.
import type { RateLimit } from "../../../api/routing.ts";
import { type HeaderMatch, methodHeader, nameHeader, type Rule } from "../table.ts";
import { covers, meet, type Requests } from "./overlap.ts";

/** A rule, or a part of one, that goes to the same backends. */
export interface Part extends Rule {
  /** All limits that are for its calls, the most specific first. */
  limits: RateLimit[];
}

/** What a limit is for; no header: all calls. */
function targetOf({ method, tool }: RateLimit): HeaderMatch[] {
  if (tool !== undefined)
    return [
      { name: methodHeader, values: ["tools/call"] },
      { name: nameHeader, values: [tool] },
    ];
  return method === undefined ? [] : [{ name: methodHeader, values: [method] }];
}

/** The rule's parts, the smallest first; the last is what is left, unless a part is all of it. */
function cut(rule: Rule, targets: Requests[]): Rule[] {
  const parts = targets.flatMap((target) => {
    const headers = meet(rule, target);
    return headers ? [{ ...rule, headers }] : [];
  });
  const all = parts.findIndex((part) => covers(part, rule));
  return all < 0 ? [...parts, rule] : parts.slice(0, all + 1);
}

/**
 * The table with limits: the same backends for every request, the first that fits counts.
 * @param path where calls go, as opposed to metadata
 */
export function withLimits(rules: Rule[], limits: RateLimit[], path: string): Part[] {
  const aimed = limits
    .map((limit) => ({ limit, target: { path, headers: targetOf(limit) } }))
    .toSorted((a, b) => b.target.headers.length - a.target.headers.length);
  const targets = aimed.map(({ target }) => target).filter(({ headers }) => headers.length > 0);
  const parts: Part[] = [];
  for (const part of rules.flatMap((rule) => cut(rule, targets))) {
    // A rule before it may take all that a part is for.
    if (parts.some((earlier) => covers(earlier, part))) continue;
    parts.push({ ...part, limits: aimed.filter(({ target }) => covers(target, part)).map(({ limit }) => limit) });
  }
  return parts;
}
