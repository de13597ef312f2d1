// The values of headers: as clients send them, as a regular expression, and in lists that aren't too long.
import { headerValues } from "../header-value.ts";
import { type HeaderMatch, methodHeader, nameHeader, type Rule, versionHeader } from "../table.ts";

/** Whether the header is the protocol's own, and not the user's for the canary. */
export const isProtocol = (name: string) => [versionHeader, methodHeader, nameHeader].includes(name);

/** The values of one of a rule's headers; none when the rule doesn't ask for it. */
export const valuesOf = ({ headers }: Pick<Rule, "headers">, name: string): string[] =>
  headers.find((header) => header.name === name)?.values ?? [];

/** The values of a header as clients send them: names of tools, prompts and resources plain and encoded. */
export const sentValues = ({ name, values }: HeaderMatch): string[] =>
  name === nameHeader ? values.flatMap(headerValues) : values;

/** Values in lists of at most so many characters, in their order: a list of one when a value alone has more. */
function inChunks(values: string[], most: number): string[][] {
  const chunks: string[][] = [];
  let size = most;
  for (const value of values) {
    if (size + value.length > most) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(value);
    size += value.length;
  }
  return chunks;
}

/** A regular expression (of RE2 and of PCRE) that matches exactly these values. */
export const regexOf = (values: string[]) =>
  `^(${values.map((value) => value.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&")).join("|")})$`;

/** Rules of which no header's values have more characters than `most`; the same requests fit one of them. */
export const inParts = <T extends Rule>(rules: T[], most: number): T[] =>
  rules.flatMap((rule) =>
    rule.headers.reduce<T[]>(
      (parts, { name, values }) =>
        parts.flatMap((part) =>
          inChunks(values, most).map((chunk) => ({
            ...part,
            headers: part.headers.map((header) => (header.name === name ? { name, values: chunk } : header)),
          })),
        ),
      [rule],
    ),
  );
