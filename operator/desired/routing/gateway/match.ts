// One rule of the table as matches of an HTTPRoute (Gateway API reference, HTTPRouteMatch and HTTPHeaderMatch).
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
  /** What fits, one or the other; none when the gateway can't match such a value. */
  matches: RouteMatch[];
}

/** How the gateway matches headers. */
export interface Matching {
  /** Whether regular expressions of RE2 are understood: in Gateway API it's up to the implementation. */
  regex: boolean;
  /** Whether both forms of a name must be one match, so that a gateway that counts calls by match counts them together. */
  together: (values: Unit["values"]) => boolean;
}

/**
 * Values that every installation of Gateway API takes: the experimental channel refuses two blanks in a row
 * (HTTPHeaderMatch.value), and Traefik writes values between backquotes.
 */
const portable = /^[!-_a-~]+([\t ][!-_a-~]+)*$/;

/** RE2 (github.com/google/re2/wiki/Syntax) for exactly these values; blanks and backquotes by number, see `portable`. */
export function regexOf(values: string[]): string {
  const escaped = values.map((value) =>
    value
      .replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&")
      .replaceAll(/[\t `]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`),
  );
  return `^(${escaped.join("|")})$`;
}

/** Everything but control characters and what isn't ASCII, with nothing around it that HTTP would strip. */
const sendable = (value: string) => /^[\t\x20-\x7e]+$/.test(value) && value.trim() === value;

const formsOf = (name: string, value: string) => (name === nameHeader ? headerValues(value) : [value]);

function oneHeader(name: string, value: string, { regex }: Matching, together: boolean): HeaderMatch[] {
  const forms = formsOf(name, value).filter(sendable);
  if (regex && together && forms.length > 1) return [{ type: "RegularExpression", name, value: regexOf(forms) }];
  return forms.flatMap((form): HeaderMatch[] => {
    if (portable.test(form)) return [{ type: "Exact", name, value: form }];
    return regex ? [{ type: "RegularExpression", name, value: regexOf([form]) }] : [];
  });
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

/** The units of a rule. A value of which some form can't be matched is in `Unit.matches` with the other forms only. */
export function unitsOf(rule: LimitedRule, matching: Matching): Unit[] {
  const each = rule.headers.map(({ name, values }) => values.map((value) => ({ name, value })));
  return combinations(each).map((chosen) => {
    const values = Object.fromEntries(chosen.map(({ name, value }) => [name, value]));
    const headers = chosen.map(({ name, value }) => oneHeader(name, value, matching, matching.together(values)));
    const path = { type: "Exact" as const, value: rule.path };
    return {
      key: keyOf(rule, chosen),
      rule,
      values,
      matches: combinations(headers).map((one) => ({ path, ...(one.length > 0 && { headers: one }) })),
    };
  });
}

/** Values that the gateway can't match in every form, by header. */
export function unmatched(rules: Rule[], { regex }: Matching): { name: string; value: string }[] {
  const asked = rules.flatMap(({ headers }) =>
    headers.flatMap(({ name, values }) => values.map((value) => ({ name, value }))),
  );
  const isLost = (form: string) => !(regex ? sendable(form) : portable.test(form));
  return asked.filter(({ name, value }) => formsOf(name, value).some(isLost));
}
