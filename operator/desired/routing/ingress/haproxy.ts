// Ingresses for haproxy-ingress, one a rule: its annotations are for all paths of an Ingress.
// https://haproxy-ingress.github.io/docs/configuration/keys/
import type { KubeObject } from "../../object.ts";
import { allowedHeaders, allowedMethods, exposedHeaders } from "../cors.ts";
import type { Routes } from "../routes.ts";
import type { HeaderMatch } from "../table.ts";
import { type Ask, timeoutsOf, withoutEndless } from "./ask.ts";
import { byCount } from "./by-count.ts";
import { inParts, regexOf } from "./headers.ts";
import { cannotCount, cannotShare, cannotTime, onlyBackend } from "./limitations.ts";
import { exactPath, ingressObject, namesOfRules } from "./object.ts";
import { originsOf } from "./origins.ts";
import { say, type Words } from "./say.ts";

const controller = "haproxy-ingress";
const keys = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`haproxy-ingress.github.io/${key}`, value]));

const words: Words = {
  controller,
  header: (name) => /^[A-Za-z0-9_.-]+$/.test(name),
  // HAProxy takes a comma for the end of a value (hdr: https://docs.haproxy.org/3.0/configuration.html#7.3.6-req.hdr).
  value: (value) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.includes(","),
};

/** Characters of a regular expression that PCRE surely compiles, and an annotation surely holds. */
const mostCharacters = 16_000;

/**
 * Rules with more lines go first, whatever their Ingress; but Ingresses of two servers with the same lines share one
 * place in that order. So that no server moves another's rules, each has a line of its own, which is always true.
 * https://haproxy-ingress.github.io/docs/configuration/keys/#http-match
 */
function headerLines({ server: { metadata } }: Ask, headers: HeaderMatch[]): Record<string, string> {
  if (headers.length === 0) return {};
  const lines = (some: HeaderMatch[], text: (values: string[]) => string) =>
    some.map(({ name, values }) => `${name}: ${text(values)}`);
  const single = headers.filter(({ values }) => values.length === 1);
  const several = headers.filter(({ values }) => values.length > 1);
  const own = `Host: ^|${metadata.namespace}/${metadata.name}`;
  return {
    ...(single.length > 0 && { "http-header-match": lines(single, (values) => values.join()).join("\n") }),
    "http-header-match-regex": [...lines(several, regexOf), own].join("\n"),
  };
}

/** https://haproxy-ingress.github.io/docs/configuration/keys/#cors */
function corsKeys({ routing: { cors } }: Ask): Record<string, string> {
  if (!cors) return {};
  const { all, exact, regexes } = originsOf(cors);
  return {
    "cors-enable": "true",
    ...(all && { "cors-allow-origin": "*" }),
    ...(!all && exact.length > 0 && { "cors-allow-origin": exact.join(",") }),
    ...(!all && regexes.length > 0 && { "cors-allow-origin-regex": regexes.join(" ") }),
    "cors-allow-methods": allowedMethods.join(", "),
    "cors-allow-headers": allowedHeaders(cors).join(","),
    "cors-expose-headers": exposedHeaders.join(","),
    "cors-allow-credentials": String(cors.allowCredentials),
    "cors-max-age": String(cors.maxAge),
  };
}

/** The most that HAProxy takes, in seconds: 2³¹ milliseconds. */
const longest = 2_147_483;

/** https://haproxy-ingress.github.io/docs/configuration/keys/#timeout */
function timeoutKeys(ask: Ask): Record<string, string> {
  const { idle } = timeoutsOf(ask);
  return { "timeout-server": `${idle === 0 ? longest : Math.min(idle, longest)}s` };
}

export function haproxyRoutes(ask: Ask): Routes {
  const { rules, cannot } = say(byCount(withoutEndless(ask.rules)), words);
  const fitting = inParts(rules, mostCharacters);
  const names = namesOfRules(ask, fitting);
  const objects = fitting.map((rule, index): KubeObject => {
    const { pool, path, headers } = rule;
    const annotations = keys({ ...headerLines(ask, headers), ...timeoutKeys(ask), ...corsKeys(ask) });
    const paths = onlyBackend(rule).map(({ service, port }) => exactPath(path, service, port));
    return ingressObject(ask, { name: names[index] ?? "", pool, paths, annotations });
  });
  return {
    objects,
    cannot: [
      ...cannot,
      ...cannotShare(ask.rules, controller),
      ...cannotTime(ask, "request", "HAProxy limits silence only: a call may take longer as long as it isn't silent."),
      ...cannotCount(
        ask,
        "haproxy-ingress counts connections of an address only, not calls: limit them in the server.",
      ),
    ],
    matchesHeaders: true,
  };
}
