// Rules of the table as matches of an HTTPRoute (Gateway API reference, HTTPRouteMatch and HTTPHeaderMatch).
import type { RateLimit } from "../../../api/routing.ts";
import { headerValues } from "../header-value.ts";
import { nameHeader, type Rule, versionHeader } from "../table.ts";

export interface HeaderMatch {
  type: "Exact" | "RegularExpression";
  name: string;
  value: string;
}

export interface RouteMatch {
  path: { type: "Exact"; value: string };
  /** All must fit. A match without headers has no such field. */
  headers?: HeaderMatch[];
}

/** A rule, and the limits that count its calls, where the gateway has limits a rule. */
export interface LimitedRule extends Rule {
  limits?: RateLimit[];
}

/** The smallest part of a rule: one value of each header that it asks for. */
export interface Unit {
  /** Tells it from all others of the server, in any order of the spec; the same with and without a legacy pool. */
  key: string;
  rule: LimitedRule;
  /** Value of each header, by the header's name; names are plain. */
  values: Readonly<Record<string, string>>;
}

/** All ways to take one of each list. */
const combinations = <T>(lists: T[][]): T[][] =>
  lists.reduce<T[][]>((all, list) => all.flatMap((begun) => list.map((item) => [...begun, item])), [[]]);

/** Without the version: it's in all rules or in none, and a legacy pool that comes or goes must not move them. */
const keyOf = ({ pool, path }: Rule, chosen: { name: string; value: string }[]) =>
  JSON.stringify([
    pool,
    path,
    ...chosen.filter(({ name }) => name !== versionHeader).flatMap(({ name, value }) => [name, value]),
  ]);

/** The units of a rule. */
export function unitsOf(rule: LimitedRule): Unit[] {
  const each = rule.headers.map(({ name, values }) => values.map((value) => ({ name, value })));
  return combinations(each).map((chosen) => ({
    key: keyOf(rule, chosen),
    rule,
    values: Object.fromEntries(chosen.map(({ name, value }) => [name, value])),
  }));
}

/**
 * Values that every installation of Gateway API takes: the experimental channel refuses two blanks in a row
 * (HTTPHeaderMatch.value), and Traefik writes values between backquotes.
 */
const portable = /^[!-_a-~]+([\t ][!-_a-~]+)*$/;
const isPortable = (value: string) => portable.test(value);

/** Everything but control characters and what isn't ASCII, with nothing around it that HTTP would strip. */
const sendable = (value: string) => /^[\t\x20-\x7e]+$/.test(value) && value.trim() === value;

/** A value in RE2 (github.com/google/re2/wiki/Syntax); blanks and backquotes by number, see `portable`. */
const escaped = (value: string) =>
  value
    .replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&")
    .replaceAll(/[\t `]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** An expression for exactly these values. */
export const regexOf = (values: string[]) => `^(${values.map(escaped).join("|")})$`;

/** What a header is matched by to have one of these values; nothing where regular expressions are needed and not there. */
function matchesOfHeader(name: string, values: string[], regex: boolean): HeaderMatch[] {
  const [first = "", ...others] = values;
  if (regex && (others.length > 0 || !isPortable(first)))
    return [{ type: "RegularExpression", name, value: regexOf(values) }];
  return values.filter(isPortable).map((value) => ({ type: "Exact", name, value }));
}

/** How long an expression gets: Envoy warns of programs of more than 1000 steps, and there is about one for each sign. */
const mostSigns = 1000;

/** The forms of names in lists that are short enough for an expression; those of one name stay together. */
function inExpressions(names: string[]): string[][] {
  const lists: string[][] = [];
  let signs = mostSigns;
  for (const forms of names.map(headerValues)) {
    const more = forms.reduce((sum, form) => sum + escaped(form).length + 1, 0);
    if (signs + more > mostSigns) {
      lists.push([]);
      signs = regexOf([]).length;
    }
    signs += more;
    lists.at(-1)?.push(...forms);
  }
  return lists;
}

/** Gateways try headers in order: first what most other calls differ in, and last what hardly any does. */
const bySelectivity = ([a]: [string, string], [b]: [string, string]) => placeOf(a) - placeOf(b);
const placeOf = (header: string) => ({ [nameHeader]: 0, [versionHeader]: 2 })[header] ?? 1;

/** The matches of units that differ in the name only. */
function matchesOfAlike(units: Unit[], regex: boolean): RouteMatch[] {
  return units.slice(0, 1).flatMap(({ rule, values }) => {
    const names = units.flatMap((unit) => unit.values[nameHeader] ?? []);
    const headers = Object.entries(values)
      .toSorted(bySelectivity)
      .map(([name, value]) => {
        if (name !== nameHeader) return matchesOfHeader(name, [value], regex);
        const lists = regex ? inExpressions(names) : names.flatMap(headerValues).map((form) => [form]);
        return lists.flatMap((forms) => matchesOfHeader(name, forms, regex));
      });
    const path = { type: "Exact" as const, value: rule.path };
    return combinations(headers).map((one) => ({ path, ...(one.length > 0 && { headers: one }) }));
  });
}

const allButName = ({ rule, values }: Unit) =>
  JSON.stringify([rule.path, { ...values, [nameHeader]: nameHeader in values }]);

/**
 * The matches of units that have some, one or the other of which fits.
 * @param regex whether the gateway understands regular expressions of RE2, which in Gateway API is up to it: then names
 *   are one match, as a gateway tries one after the other, and counts calls at each for itself
 */
export const matchesOf = (units: Unit[], regex: boolean): RouteMatch[] =>
  [...Map.groupBy(units, allButName).values()].flatMap((alike) => matchesOfAlike(alike, regex));

/** Names that the gateway can't match in every form; the encoded one is always plain. */
export const unmatched = (rules: Rule[], regex: boolean): string[] =>
  rules
    .flatMap(({ headers }) => headers.flatMap(({ name, values }) => (name === nameHeader ? values : [])))
    .filter((name) => !headerValues(name).every(regex ? sendable : isPortable));
