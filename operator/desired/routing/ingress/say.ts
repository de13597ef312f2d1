// Rules with header values as they are sent, and what a controller's language has no words for.
import type { Limitation } from "../routes.ts";
import { type HeaderMatch, nameHeader, type Rule } from "../table.ts";
import { isProtocol, sentValues } from "./headers.ts";
import { listed } from "./limitations.ts";

/** What a controller can match. */
export interface Words {
  /** The controller, for messages. */
  controller: string;
  header: (name: string) => boolean;
  /** A value as it is sent. */
  value: (value: string) => boolean;
}

export interface Said<T extends Rule> {
  /** The rules that can be said; each header has its values in all forms in which clients send them. */
  rules: T[];
  cannot: Limitation[];
}

function cannotSay(unsaid: HeaderMatch[], { controller }: Words): Limitation[] {
  const names = unsaid.filter(({ name }) => name === nameHeader).flatMap(({ values }) => values);
  const [canary] = unsaid.filter(({ name }) => !isProtocol(name));
  return [
    ...(names.length > 0
      ? [
          {
            field: "pools",
            message: `${controller} can't match every form of ${listed(names)}: calls that send another form don't reach their pool; use names with letters, digits and _-./ only.`,
          },
        ]
      : []),
    ...(canary
      ? [
          {
            field: "canary.header",
            message: `${controller} can't match header ${canary.name} with this value, so no call goes to the canary by header: use letters, digits and '-' only.`,
          },
        ]
      : []),
  ];
}

/** The header in a controller's words, and those of its values of which a form is missing. */
function sayHeader(header: HeaderMatch, words: Words): { said: HeaderMatch; unsaid: string[] } {
  if (!words.header(header.name)) return { said: { ...header, values: [] }, unsaid: header.values };
  const unsaid = header.values.filter((value) => !sentValues({ ...header, values: [value] }).every(words.value));
  return { said: { ...header, values: sentValues(header).filter(words.value) }, unsaid };
}

/** The rules in a controller's words. A rule of which nothing can be said is left out: its calls go on to the next that fits. */
export function say<T extends Rule>(rules: T[], words: Words): Said<T> {
  const all = rules.map((rule) => ({ rule, headers: rule.headers.map((header) => sayHeader(header, words)) }));
  const unsaid = all.flatMap(({ headers }) =>
    headers.flatMap(({ said: { name }, unsaid: values }) => (values.length > 0 ? [{ name, values }] : [])),
  );
  const said = all.map(({ rule, headers }) => ({ ...rule, headers: headers.map((header) => header.said) }));
  return {
    rules: said.filter(({ headers }) => headers.every(({ values }) => values.length > 0)),
    cannot: cannotSay(unsaid, words),
  };
}
