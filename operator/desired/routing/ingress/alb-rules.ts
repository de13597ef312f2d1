// The table in rules of an Application Load Balancer, which are narrow and few.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
import { type HeaderMatch, nameHeader, type Rule } from "../table.ts";
import { valuesOf } from "./headers.ts";

export const mostRules = 100;
/** Values of all conditions of a rule, path and host among them. */
export const mostValues = 5;
const mostValuesOfCondition = 3;
const mostWildcards = 5;

/** A question mark stands for any character, so for itself as well. */
const wildcards = (value: string) => value.split("?").length - 1;

/** Whether a value may stand in a condition. */
export const fitsCondition = (value: string): boolean =>
  /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) &&
  value.length <= 128 &&
  // A star stands for any text, and can't be said otherwise.
  !/[*\\]/.test(value) &&
  // Beside an encoded name, which has three question marks, there is room for two more.
  (wildcards(value) <= 2 || value.startsWith("=?"));

/** Values in lists of which each fits into a condition. */
function inLists(values: string[], most: { values: number; wildcards: number }): string[][] {
  const lists: string[][] = [];
  let left = { values: 0, wildcards: 0 };
  for (const value of values) {
    const cost = wildcards(value);
    if (left.values === 0 || left.wildcards < cost) {
      lists.push([]);
      left = { ...most };
    }
    lists.at(-1)?.push(value);
    left = { values: left.values - 1, wildcards: left.wildcards - cost };
  }
  return lists;
}

/** Every choice of one list a header. */
const choices = (headers: { name: string; lists: string[][] }[]): HeaderMatch[][] =>
  headers.reduce<HeaderMatch[][]>(
    (all, { name, lists }) => all.flatMap((chosen) => lists.map((values) => [...chosen, { name, values }])),
    [[]],
  );

/** The load balancer's rules for one of the table; none when that takes more values than a rule can have. */
export function inRules(rule: Rule, hasHost: boolean): Rule[] {
  const longest = rule.headers.toSorted((a, b) => b.values.length - a.values.length)[0];
  if (!longest) return [rule];
  // One header has as many values as there is room for, the others one each: that makes the fewest rules.
  const others = rule.headers.filter((header) => header !== longest);
  const room = {
    values: Math.min(mostValuesOfCondition, mostValues - (hasHost ? 2 : 1) - others.length),
    wildcards: mostWildcards - Math.max(0, ...others.flatMap(({ values }) => values.map(wildcards))),
  };
  if (room.values < 1) return [];
  const listsOf = (header: HeaderMatch) =>
    header === longest ? inLists(header.values, room) : header.values.map((value) => [value]);
  return choices(rule.headers.map((header) => ({ name: header.name, lists: listsOf(header) }))).map((headers) => ({
    ...rule,
    headers,
  }));
}

/** As many rules as a load balancer takes: of those that are for names, the last are left out. */
export function thatFit(rules: Rule[], hosts: number): { kept: Rule[]; left: Rule[] } {
  const tooMany = Math.max(0, rules.length - Math.floor(mostRules / hosts));
  const forNames = rules.filter((rule) => valuesOf(rule, nameHeader).length > 0);
  const left = tooMany === 0 ? [] : forNames.slice(-tooMany);
  return { kept: rules.filter((rule) => !left.includes(rule)), left };
}
