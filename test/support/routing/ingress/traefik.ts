// IngressRoutes, evaluated as Traefik 3 does: of the routers whose rule fits, the one with the highest priority.
// https://doc.traefik.io/traefik/v3.5/reference/routing-configuration/http/router/rules-and-priority/
import type { KubeObject } from "../../../../operator/desired/object.ts";
import type { Taken, WebRequest } from "./request.ts";

interface Route {
  match: string;
  priority: number;
  middlewares?: { name: string }[];
  services: { name: string; weight?: number }[];
}

type Test = (request: WebRequest) => boolean;

/** The matchers that anypod uses. Values are compared as they are; hosts and names of headers in lower case. */
const matchers: Record<string, (...args: string[]) => Test> = {
  Host: (host) => (request) => request.host === host!.toLowerCase(),
  HostRegexp: (regex) => (request) => new RegExp(regex!).test(request.host),
  Path: (path) => (request) => request.path === path,
  Header: (name, value) => (request) => request.headers[name!.toLowerCase()] === value,
};

const token = /\s*(&&|\|\||[(),]|[A-Za-z]+|`[^`]*`|"(?:[^"\\]|\\.)*")/y;

function tokens(rule: string): string[] {
  const found: string[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(rule); match; match = token.exec(rule)) {
    found.push(match[1]!);
    if (token.lastIndex === rule.length) return found;
  }
  throw new Error(`not a rule of Traefik: ${rule}`);
}

/** A string of Go. Both languages write what anypod escapes alike. */
const text = (literal: string): string => (literal.startsWith("`") ? literal.slice(1, -1) : JSON.parse(literal));

/** The rule as a test: `&&` binds closer than `||`. */
function parse(rule: string): Test {
  const rest = tokens(rule);
  const expect = (wanted: string) => {
    const next = rest.shift();
    if (next !== wanted) throw new Error(`${wanted} expected, not ${next}, in ${rule}`);
  };
  const matcher = (): Test => {
    const name = rest.shift()!;
    if (name === "(") {
      const inner = anyOf();
      expect(")");
      return inner;
    }
    expect("(");
    const args = [text(rest.shift()!)];
    while (rest[0] === ",") args.push(text(rest.splice(0, 2)[1]!));
    expect(")");
    if (args.some((arg) => arg === "")) throw new Error(`an empty argument in ${rule}`);
    return matchers[name]!(...args);
  };
  const allOf = (): Test => {
    const tests = [matcher()];
    while (rest[0] === "&&") {
      rest.shift();
      tests.push(matcher());
    }
    return (request) => tests.every((test) => test(request));
  };
  const anyOf = (): Test => {
    const tests = [allOf()];
    while (rest[0] === "||") {
      rest.shift();
      tests.push(allOf());
    }
    return (request) => tests.some((test) => test(request));
  };
  const whole = anyOf();
  if (rest.length > 0) throw new Error(`${rest.join(" ")} is left of ${rule}`);
  return whole;
}

const routesOf = (objects: KubeObject[]) =>
  objects.filter(({ kind }) => kind === "IngressRoute").flatMap(({ spec }) => (spec as { routes: Route[] }).routes);

/** Who takes a request; throws where two routes have one priority. */
export function takenByTraefik(objects: KubeObject[], request: WebRequest): Taken | undefined {
  const [first, second] = routesOf(objects)
    .filter(({ match }) => parse(match)(request))
    .sort((a, b) => b.priority - a.priority);
  if (!first) return;
  if (second?.priority === first.priority) throw new Error(`equal: ${first.match}, ${second.match}`);
  return {
    shares: Object.fromEntries(first.services.map(({ name, weight = 100 }) => [name, weight])),
    limits: (first.middlewares ?? []).map(({ name }) => name).filter((name) => name.includes("-rate-limit-")),
  };
}
