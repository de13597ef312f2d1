// Ingresses for the Kong Ingress Controller, one a rule: its annotations are for all paths of an Ingress; and KongPlugins.
// https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/
import type { RateLimit } from "../../../api/routing.ts";
import { roleName } from "../../names.ts";
import { child, hashOf, type KubeObject } from "../../object.ts";
import { allowedHeaders, allowedMethods, exposedHeaders } from "../cors.ts";
import type { Routes } from "../routes.ts";
import type { HeaderMatch } from "../table.ts";
import { type Ask, hostsOf, limitsOf, timeoutsOf, tlsOf, withoutEndless } from "./ask.ts";
import { byCount } from "./by-count.ts";
import { inParts } from "./headers.ts";
import { cannotAddUp, cannotCombine, cannotShare, cannotTellCase, cannotTime, onlyBackend } from "./limitations.ts";
import { exactPath, ingressObject, namesOfRules } from "./object.ts";
import { originsOf } from "./origins.ts";
import { type Part, withLimits } from "./parts.ts";
import { say, type Words } from "./say.ts";

const controller = "Kong";
const keys = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`konghq.com/${key}`, value]));

const words: Words = {
  controller,
  // What the name of an annotation can hold after "headers.".
  header: (name) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,53}[A-Za-z0-9])?$/.test(name),
  // A value that begins with ~* is taken for a regular expression.
  value: (value) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith("~*"),
};

/** Characters that an annotation surely holds. */
const mostCharacters = 64_000;

// --- Plugins --------------------------------------------------------------------------------------------------------

/** https://developer.konghq.com/kubernetes-ingress-controller/reference/custom-resources/#kongplugin */
const kongPlugin = ({ server }: Ask, role: string, plugin: string, config: object): KubeObject => ({
  ...child(
    server,
    { apiVersion: "configuration.konghq.com/v1", kind: "KongPlugin" },
    roleName(server.metadata.name, role),
  ),
  plugin,
  config,
});

/** https://developer.konghq.com/plugins/cors/reference/ */
function corsPlugins(ask: Ask): KubeObject[] {
  const { cors } = ask.routing;
  if (!cors) return [];
  const { all, exact, regexes } = originsOf(cors);
  const config = {
    origins: all ? ["*"] : [...exact, ...regexes],
    methods: allowedMethods,
    headers: allowedHeaders(cors),
    exposed_headers: exposedHeaders,
    credentials: cors.allowCredentials,
    max_age: cors.maxAge,
  };
  return [kongPlugin(ask, "cors", "cors", config)];
}

/** What tells clients apart: all calls of a Service are of one when nothing else is asked for. */
function limitBy({ perClient }: RateLimit): object {
  if (perClient?.header !== undefined) return { limit_by: "header", header_name: perClient.header };
  return { limit_by: perClient ? "ip" : "service" };
}

/** https://developer.konghq.com/plugins/rate-limiting/reference/ */
function limitPlugin(ask: Ask, limit: RateLimit): KubeObject {
  const config = { [limit.unit.toLowerCase()]: limit.requests, policy: "local", ...limitBy(limit) };
  return kongPlugin(ask, `rate-limit-${hashOf(limit)}`, "rate-limiting", config);
}

// --- Ingresses ------------------------------------------------------------------------------------------------------

/** https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/#konghq-com-headers */
function headerKeys(headers: HeaderMatch[]): Record<string, string> {
  // Controllers before 3.2 know commas only.
  const hasComma = headers.some(({ values }) => values.some((value) => value.includes(",")));
  const separator = hasComma ? "\n" : ",";
  return {
    ...Object.fromEntries(headers.map(({ name, values }) => [`headers.${name.toLowerCase()}`, values.join(separator)])),
    ...(hasComma && { "headers-separator": separator }),
  };
}

function annotationsOf(ask: Ask, { headers, limits: [limit] }: Part): Record<string, string> {
  const plugins = [...corsPlugins(ask), ...(limit ? [limitPlugin(ask, limit)] : [])];
  const isSecure = hostsOf(ask).every((host) => tlsOf(ask, host) !== undefined);
  return keys({
    ...headerKeys(headers),
    // Kong collects an answer before it passes it on, unless told otherwise.
    "response-buffering": "false",
    ...(plugins.length > 0 && { plugins: plugins.map(({ metadata }) => metadata.name).join(",") }),
    ...(isSecure && { protocols: "https", "https-redirect-status-code": "308" }),
  });
}

/** The most that Kong takes, in milliseconds. */
const longest = 2_147_483_646;

/** For Services, where the controller looks for timeouts: the longest silence. */
function serviceAnnotations(ask: Ask): Record<string, string> {
  const { idle } = timeoutsOf(ask);
  const milliseconds = String(idle === 0 ? longest : Math.min(idle * 1000, longest));
  return keys({ "read-timeout": milliseconds, "write-timeout": milliseconds });
}

export function kongRoutes(ask: Ask): Routes {
  const limits = limitsOf(ask);
  const all = byCount(withLimits(withoutEndless(ask.rules), limits, ask.server.spec.path));
  const { rules, cannot } = say(all, words);
  const parts = inParts(rules, mostCharacters);
  const names = namesOfRules(ask, parts);
  const used = limits.filter((limit) => parts.some((part) => part.limits[0] === limit));
  const ingresses = parts.map((part, index) => {
    const paths = onlyBackend(part).map(({ service, port }) => exactPath(part.path, service, port));
    return ingressObject(ask, {
      name: names[index] ?? "",
      pool: part.pool,
      paths,
      annotations: annotationsOf(ask, part),
    });
  });
  const times = (limit: RateLimit) => parts.filter(({ limits: [kept] }) => kept === limit).length;
  return {
    objects: [...corsPlugins(ask), ...used.map((limit) => limitPlugin(ask, limit)), ...ingresses],
    cannot: [
      ...cannot,
      ...cannotTellCase(all, controller),
      ...cannotShare(ask.rules, controller),
      ...cannotTime(ask, "request", "Kong limits silence only: a call may take longer as long as it isn't silent."),
      ...cannotCombine(parts, controller),
      ...cannotAddUp(ask, controller, (limit) => hostsOf(ask).length * times(limit)),
    ],
    matchesHeaders: true,
    serviceAnnotations: serviceAnnotations(ask),
  };
}
