// What two rules have in common, told from the headers that they ask for. Names of headers in a table are all spelt alike.
import type { HeaderMatch, Rule } from "../table.ts";

/** A set of requests: those on the path that have each header with one of its values. */
export type Requests = Pick<Rule, "path" | "headers">;

const find = (headers: HeaderMatch[], name: string) => headers.find((header) => header.name === name);

/** Whether every request of `part` is one of `whole`, too. */
export const covers = (whole: Requests, part: Requests): boolean =>
  whole.path === part.path &&
  whole.headers.every(({ name, values }) => find(part.headers, name)?.values.every((value) => values.includes(value)));

/** The headers of the requests that are in both; undefined when none is. */
export function meet(a: Requests, b: Requests): HeaderMatch[] | undefined {
  if (a.path !== b.path) return;
  const others = b.headers.filter(({ name }) => !find(a.headers, name));
  const shared = a.headers.map(({ name, values }) => {
    const also = find(b.headers, name)?.values;
    return { name, values: also ? values.filter((value) => also.includes(value)) : values };
  });
  return shared.some(({ values }) => values.length === 0) ? undefined : [...shared, ...others];
}

/** Whether `a` asks only for headers that `b` asks for, too. */
export const asksForLess = (a: Requests, b: Requests): boolean =>
  a.headers.every(({ name }) => find(b.headers, name) !== undefined);

/** What is left of `from` without the requests of `taken`, which asks for no other headers; in pieces that have nothing in common. */
export function without<T extends Requests>(from: T, taken: Requests): T[] {
  const both = meet(from, taken);
  if (!both) return [from];
  const pieces: T[] = [];
  let rest = from.headers;
  for (const { name, values } of both) {
    const left = find(rest, name)?.values.filter((value) => !values.includes(value)) ?? [];
    const with_ = (some: string[]) => rest.map((header) => (header.name === name ? { name, values: some } : header));
    if (left.length > 0) pieces.push({ ...from, headers: with_(left) });
    rest = with_(values);
  }
  return pieces;
}
