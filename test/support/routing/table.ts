// The table of routes, evaluated as it is defined: the first rule that fits counts.
import { headerValues } from "../../../operator/desired/routing/header-value.ts";
import { type HeaderMatch, nameHeader, type Rule } from "../../../operator/desired/routing/table.ts";
import type { CallRequest } from "./meaning.ts";

function fitsHeader({ name, values }: HeaderMatch, headers: CallRequest["headers"]): boolean {
  const sent = headers[name.toLowerCase()];
  const accepted = name === nameHeader ? values.flatMap(headerValues) : values;
  return sent !== undefined && accepted.includes(sent);
}

const fits = ({ path, headers }: Rule, request: CallRequest) =>
  request.path === path && headers.every((header) => fitsHeader(header, request.headers));

/** The rule that counts for a request; undefined when none fits. */
export const firstFit = <T extends Rule>(rules: T[], request: CallRequest): T | undefined =>
  rules.find((rule) => fits(rule, request));

/** The rules that fit a request and that no other with more headers keeps from counting. */
export function mostHeaders<T extends Rule>(rules: T[], request: CallRequest): T[] {
  const fitting = rules.filter((rule) => fits(rule, request));
  const most = Math.max(...fitting.map(({ headers }) => headers.length));
  return fitting.filter(({ headers }) => headers.length === most);
}

/** Percent of a request's calls by Service; undefined when nothing takes it. */
export type Shares = Record<string, number>;

export const sharesOf = (rule: Pick<Rule, "to"> | undefined): Shares | undefined =>
  rule && Object.fromEntries(rule.to.map(({ service, weight }) => [service, weight]));
