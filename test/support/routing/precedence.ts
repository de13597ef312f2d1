// HTTPRoutes, evaluated as Gateway API defines (https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule, matches):
// exact path, longest prefix, method, most headers, most query parameters; then the oldest route, then the first by
// namespace and name, then the first rule.
import type { KubeObject } from "../../../operator/desired/object.ts";
import type { CallRequest } from "./meaning.ts";

interface Condition {
  type: "Exact" | "RegularExpression";
  name: string;
  value: string;
}
export interface Match {
  path: { type: "Exact" | "PathPrefix"; value: string };
  method?: string;
  headers?: Condition[];
  queryParams?: Condition[];
}
export interface RouteRule {
  matches: Match[];
  filters?: { type: string; cors?: object; extensionRef?: { group: string; kind: string; name: string } }[];
  backendRefs: { group: string; kind: string; name: string; port: number; weight: number }[];
  timeouts: { request: string };
}

/** A match that fits a request. */
export interface Contender {
  route: KubeObject;
  ruleIndex: number;
  rule: RouteRule;
  match: Match;
}

export const rulesOf = (route: KubeObject) => (route.spec as { rules: RouteRule[] }).rules;

function fitsHeader({ type, name, value }: Condition, headers: CallRequest["headers"]): boolean {
  const sent = headers[name.toLowerCase()];
  if (sent === undefined) return false;
  return type === "Exact" ? sent === value : new RegExp(value).test(sent);
}

function fits({ path, method, headers = [], queryParams = [] }: Match, request: CallRequest): boolean {
  if (method !== undefined || queryParams.length > 0 || path.type !== "Exact") throw new Error("not needed so far");
  return request.path === path.value && headers.every((header) => fitsHeader(header, request.headers));
}

/** What comes first in precedence within all routes, without what breaks ties: only the number of headers is left here. */
const rank = ({ match }: Contender) => match.headers?.length ?? 0;

const ageOf = ({ metadata }: KubeObject) => (metadata as { creationTimestamp?: string }).creationTimestamp ?? "";
const nameOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;
const order = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** All matches that fit a request, the one that counts first. */
export function contenders(routes: KubeObject[], request: CallRequest): Contender[] {
  return routes
    .flatMap((route) =>
      rulesOf(route).flatMap((rule, ruleIndex) => rule.matches.map((match) => ({ route, ruleIndex, rule, match }))),
    )
    .filter(({ match }) => fits(match, request))
    .sort(
      (a, b) =>
        rank(b) - rank(a) ||
        order(ageOf(a.route), ageOf(b.route)) ||
        order(nameOf(a.route), nameOf(b.route)) ||
        a.ruleIndex - b.ruleIndex,
    );
}

/** Those that only age, name or place keep from counting. */
export function tied(found: Contender[]): Contender[] {
  const [first] = found;
  return first ? found.filter((contender) => rank(contender) === rank(first)) : [];
}
