// Ingresses of networking.k8s.io/v1, with what controllers make of their annotations: haproxy-ingress, AWS ALB and Kong.
import type { KubeObject } from "../../../../operator/desired/object.ts";
import type { Shares } from "../table.ts";
import { isHost, type Taken, type WebRequest } from "./request.ts";

interface Path {
  path: string;
  backend: { service: { name: string; port: { number?: number; name?: string } } };
}
interface Rule {
  host?: string;
  http: { paths: Path[] };
}

const ingressesOf = (objects: KubeObject[]) => objects.filter(({ kind }) => kind === "Ingress");
const rulesOf = ({ spec }: KubeObject) => (spec as { rules: Rule[] }).rules;
const annotation = ({ metadata }: KubeObject, key: string) => metadata.annotations?.[key];

/** The paths of an Ingress that fit a request: all of anypod's are exact, and a host goes before a wildcard. */
function pathsFor(ingress: KubeObject, { host, path }: WebRequest): Path[] {
  const fitting = rulesOf(ingress).filter((rule) => isHost(rule.host, host));
  const rule = fitting.find((each) => each.host === host) ?? fitting[0];
  return rule?.http.paths.filter((each) => each.path === path) ?? [];
}

const shareOf = ({ backend }: Path): Shares => ({ [backend.service.name]: 100 });

interface Ranked {
  path: Path;
  ingress: KubeObject;
  /** How many header conditions; more go first. */
  rank: number;
}

/** The first by rank; throws where two have the same. */
function best(all: Ranked[]): Ranked | undefined {
  const [first, second] = all.toSorted((a, b) => b.rank - a.rank);
  if (first && second?.rank === first.rank)
    throw new Error(`equal: ${first.ingress.metadata.name}, ${second.ingress.metadata.name}`);
  return first;
}

// --- Without annotations --------------------------------------------------------------------------------------------

export function takenByAny(objects: KubeObject[], request: WebRequest): Taken | undefined {
  const [path] = ingressesOf(objects).flatMap((ingress) => pathsFor(ingress, request));
  return path && { shares: shareOf(path), limits: [] };
}

// --- haproxy-ingress: https://haproxy-ingress.github.io/docs/configuration/keys/#http-match ------------------------

interface Line {
  name: string;
  fits: (value: string) => boolean;
}

function linesOf(ingress: KubeObject): Line[] {
  const lines = (key: string) =>
    (annotation(ingress, `haproxy-ingress.github.io/${key}`) ?? "").split("\n").filter((line) => line !== "");
  const split = (line: string) => {
    const [, name = "", value = ""] = /^([^: ]+): ?(.*)$/.exec(line) ?? [];
    if (name === "") throw new Error(`not a line of haproxy-ingress: ${line}`);
    return { name: name.toLowerCase(), value: value.trim() };
  };
  return [
    ...lines("http-header-match")
      .map(split)
      .map(({ name, value }) => ({ name, fits: (sent: string) => sent === value })),
    ...lines("http-header-match-regex")
      .map(split)
      .map(({ name, value }) => ({ name, fits: (sent: string) => new RegExp(value).test(sent) })),
  ];
}

/** HAProxy compares each of the values that commas tell apart. */
const fitsLine = ({ name, fits }: Line, { host, headers }: WebRequest) =>
  ({ ...headers, host })[name]
    ?.split(",")
    .map((value) => value.trim())
    .some(fits) ?? false;

export function takenByHaproxy(objects: KubeObject[], request: WebRequest): Taken | undefined {
  const found = best(
    ingressesOf(objects).flatMap((ingress) => {
      const lines = linesOf(ingress);
      if (!lines.every((line) => fitsLine(line, request))) return [];
      return pathsFor(ingress, request).map((path) => ({ path, ingress, rank: lines.length }));
    }),
  );
  return found && { shares: shareOf(found.path), limits: [] };
}

// --- AWS ALB: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html ---------

interface Condition {
  field: "http-header";
  httpHeaderConfig: { httpHeaderName: string; values: string[] };
}
interface Action {
  forwardConfig: { targetGroups: { serviceName: string; weight: number }[] };
}

/** Any case; `*` is any text, `?` any character. */
function fitsPattern(pattern: string, value: string): boolean {
  const regex = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${regex}$`, "i").test(value);
}

const fitsCondition = ({ httpHeaderConfig: { httpHeaderName, values } }: Condition, { headers }: WebRequest) => {
  const sent = headers[httpHeaderName.toLowerCase()];
  return sent !== undefined && values.some((value) => fitsPattern(value, sent));
};

/** The conditions of a path, checked against what a load balancer takes. */
function conditionsOf(ingress: KubeObject, { backend }: Path, host: string | undefined): Condition[] {
  const json = annotation(ingress, `alb.ingress.kubernetes.io/conditions.${backend.service.name}`);
  const conditions: Condition[] = json === undefined ? [] : JSON.parse(json);
  const values = conditions.flatMap(({ httpHeaderConfig }) => httpHeaderConfig.values);
  const broken = [
    values.length + (host === undefined ? 1 : 2) > 5 && "values",
    conditions.some(({ httpHeaderConfig }) => httpHeaderConfig.values.length > 3) && "values of a condition",
    conditions.some(({ httpHeaderConfig }) => httpHeaderConfig.httpHeaderName.length > 40) && "name",
    values.join("").replace(/[^?*]/g, "").length > 5 && "wildcards",
    values.some((value) => !/^[\x20-\x7e]{1,128}$/.test(value)) && "characters",
  ].filter((each) => each !== false);
  if (broken.length > 0) throw new Error(`too much for a rule: ${broken.join()} in ${json}`);
  return conditions;
}

/** Rules stand in the order of hosts and their paths. */
export function takenByAlb(objects: KubeObject[], request: WebRequest): Taken | undefined {
  const rules = ingressesOf(objects).flatMap((ingress) =>
    rulesOf(ingress).flatMap(({ host, http }) =>
      http.paths.map((path) => ({ ingress, host, path, conditions: conditionsOf(ingress, path, host) })),
    ),
  );
  const found = rules.find(
    ({ host, path, conditions }) =>
      isHost(host, request.host) &&
      path.path === request.path &&
      conditions.every((condition) => fitsCondition(condition, request)),
  );
  if (!found) return;
  const { name } = found.path.backend.service;
  const action: Action = JSON.parse(annotation(found.ingress, `alb.ingress.kubernetes.io/actions.${name}`)!);
  const groups = action.forwardConfig.targetGroups;
  return { shares: Object.fromEntries(groups.map(({ serviceName, weight }) => [serviceName, weight])), limits: [] };
}

/** How many rules a load balancer has for the objects. */
export const albRules = (objects: KubeObject[]): number =>
  ingressesOf(objects)
    .flatMap(rulesOf)
    .reduce((sum, { http }) => sum + http.paths.length, 0);

// --- Kong: https://developer.konghq.com/gateway/routing/traditional/ -----------------------------------------------

const prefix = "konghq.com/headers.";

function headersOf(ingress: KubeObject): [name: string, values: string[]][] {
  const separator = annotation(ingress, "konghq.com/headers-separator") ?? ",";
  return Object.entries(ingress.metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value.split(separator).map((each) => each.trim())]);
}

/** @param fold what the router makes of values before it compares them: its flavours differ in whether case matters */
export function takenByKong(
  objects: KubeObject[],
  request: WebRequest,
  fold: (value: string) => string,
): Taken | undefined {
  const fitsHeaders = (headers: [string, string[]][]) =>
    headers.every(([name, values]) => {
      if (values.some((value) => value.startsWith("~*"))) throw new Error("a regular expression");
      return values.map(fold).includes(fold(request.headers[name.toLowerCase()] ?? ""));
    });
  const found = best(
    ingressesOf(objects).flatMap((ingress) => {
      const headers = headersOf(ingress);
      if (!fitsHeaders(headers)) return [];
      return pathsFor(ingress, request).map((path) => ({ path, ingress, rank: headers.length }));
    }),
  );
  if (!found) return;
  const plugins = (annotation(found.ingress, "konghq.com/plugins") ?? "").split(",");
  return { shares: shareOf(found.path), limits: plugins.filter((name) => name.includes("-rate-limit-")) };
}
