// What holds for the HTTPRoutes of every server, whatever it takes and wherever it goes.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { McpServer, SpecInput } from "../../../operator/api/mcpserver.ts";
import type { KubeObject } from "../../../operator/desired/object.ts";
import { affinities } from "../../support/affinity.ts";
import { serverOf } from "../../support/arbitraries.ts";
import { otherTool, routedSpec } from "../../support/routing/arbitraries.ts";
import { type RouteRule, rulesOf } from "../../support/routing/precedence.ts";
import { basket, httpRoutesOf, type Kind, kinds, ofKind, renderedFor } from "../../support/routing/rendered.ts";

const everyServer = (kind: Kind, check: (server: McpServer, objects: KubeObject[], spec: SpecInput) => void) =>
  fc.assert(
    fc.property(routedSpec, (spec) => {
      const server = serverOf("basket", spec);
      check(server, renderedFor(server, kind).objects, spec);
    }),
  );

/** Header values that both channels of Gateway API take (HTTPHeaderMatch.value). */
const headerValue = /^[!-~]+([\t ][!-~]+)*$/;

/** What the CustomResourceDefinition refuses, Gateway API 1.0 to 1.6. */
function refusals(route: KubeObject): string[] {
  const rules = rulesOf(route);
  const matches = rules.flatMap((rule) => rule.matches);
  const headers = matches.flatMap((match) => match.headers ?? []);
  const names = matches.map((match) => (match.headers ?? []).map(({ name }) => name));
  const cors = rules.flatMap(({ filters = [] }) => filters.flatMap((filter) => filter.cors ?? []));
  return [
    ...(rules.length < 1 || rules.length > 16 ? [`${rules.length} rules`] : []),
    ...(rules.some((rule) => rule.matches.length < 1 || rule.matches.length > 8) ? ["matches of a rule"] : []),
    ...(matches.length > 128 ? [`${matches.length} matches`] : []),
    ...(rules.some(({ filters = [] }) => filters.length > 16) ? ["filters of a rule"] : []),
    ...(rules.some(({ backendRefs }) => backendRefs.length < 1 || backendRefs.length > 16) ? ["backends"] : []),
    ...names.filter((own) => own.length > 16 || new Set(own).size < own.length).map((own) => `headers ${own}`),
    ...headers.filter(({ value }) => value.length > 4096 || !headerValue.test(value)).map(({ value }) => value),
    ...cors.flatMap((filter) =>
      Object.entries(filter).flatMap(([field, value]) => {
        const isWrong = Array.isArray(value) && (value.length > 64 || (value.includes("*") && value.length > 1));
        return isWrong || value === 0 ? [`cors.${field}`] : [];
      }),
    ),
  ];
}

/** The object without what users named: header values that are matched, and the headers that pages may use. */
function withoutNames({ spec, ...rest }: KubeObject): object {
  const rules = (spec as { rules?: RouteRule[] }).rules?.map(({ matches, filters, ...rule }) => ({
    ...rule,
    matches: matches.map(({ headers = [], ...match }) => ({ ...match, headers: headers.map(({ type }) => type) })),
    filters: filters?.map(({ cors, ...filter }) => filter),
  }));
  return rules ? { ...rest, spec: { ...(spec as object), rules } } : rest;
}

/** Objects that are in one list and not, or otherwise, in the other, by kind and name. */
function changed(before: KubeObject[], after: KubeObject[]): string[] {
  const texts = (objects: KubeObject[]) =>
    new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, JSON.stringify(object)]));
  const [was, is] = [texts(before), texts(after)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((key) => was.get(key) !== is.get(key));
}

/** All names that routes match. */
const namesIn = (objects: KubeObject[]) =>
  httpRoutesOf(objects)
    .flatMap((route) => rulesOf(route).flatMap(({ matches }) => matches))
    .flatMap(({ headers = [] }) => headers.flatMap(({ name, value }) => (name === "Mcp-Name" ? [value] : [])));

/** The spec with another tool in one of its pools. */
function withTool(spec: SpecInput, index: number, tool: string): SpecInput {
  const pools = (spec.pools ?? []).map((pool, at) =>
    at === index ? { ...pool, tools: [...(pool.tools ?? []), tool] } : pool,
  );
  return { ...spec, pools };
}

describe.each(kinds)("for %s, the routes of any server", (kind) => {
  test("are within the limits of Gateway API", () => {
    everyServer(kind, (_, objects) => expect(httpRoutesOf(objects).flatMap(refusals)).toEqual([]));
  });

  test("bind no client to a pod", () => {
    everyServer(kind, (_, objects) =>
      expect(objects.map(withoutNames).flatMap((object) => affinities(object))).toEqual([]),
    );
  });

  test("touch no header of a request", () => {
    everyServer(kind, (_, objects) => {
      const middlewares = new Map(ofKind(objects, "Middleware").map(({ metadata, spec }) => [metadata.name, spec]));
      const filters = httpRoutesOf(objects).flatMap((route) => rulesOf(route).flatMap((rule) => rule.filters ?? []));
      const what = filters.flatMap(({ type, extensionRef }) => {
        if (type === "CORS") return [];
        const { headers = {}, ...others } = middlewares.get(extensionRef?.name ?? "") as { headers?: object };
        return [...Object.keys(headers), ...Object.keys(others)];
      });
      expect(what.filter((field) => !/^(accessControl\w+|addVaryHeader|rateLimit)$/.test(field))).toEqual([]);
    });
  });

  test("are the same for the same spec, byte for byte, in whatever order it has its names", () => {
    everyServer(kind, (server, objects) => {
      const pools = server.spec.pools?.map((pool) => ({
        ...pool,
        tools: pool.tools?.toReversed(),
        prompts: pool.prompts?.toReversed(),
        methods: pool.methods?.toReversed(),
      }));
      const turned = { ...server, spec: { ...structuredClone(server.spec), pools } };
      expect(JSON.stringify(renderedFor(turned, kind).objects)).toBe(JSON.stringify(objects));
    });
  });

  test("hold no null and nothing undefined: both would be sent, or read as drift", () => {
    const holes = (value: unknown): boolean =>
      value === null || value === undefined || (typeof value === "object" && Object.values(value).some(holes));
    everyServer(kind, (_, objects) => expect(objects.filter(holes)).toEqual([]));
  });

  test("have distinct names within a kind, all of at most 63 characters", () => {
    everyServer(kind, ({ metadata: own, spec }) => {
      const { objects } = renderedFor({ metadata: { ...own, name: `basket${"-x".repeat(28)}` }, spec }, kind);
      const names = objects.map((object) => `${object.kind}/${object.metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      expect(objects.filter(({ metadata }) => metadata.name.length > 63)).toEqual([]);
    });
  });

  test("change in one HTTPRoute when a tool comes, or in two that share what was one's", () => {
    fc.assert(
      fc.property(routedSpec, fc.nat(), otherTool, (spec, at, tool) => {
        fc.pre((spec.pools ?? []).length > 0 && !JSON.stringify(spec).includes(tool));
        const objectsOf = (some: SpecInput) => renderedFor(serverOf("basket", some), kind).objects;
        const [before, after] = [objectsOf(spec), objectsOf(withTool(spec, at % spec.pools!.length, tool))];
        const grown = httpRoutesOf(after).length - httpRoutesOf(before).length;
        const touched = changed(before, after);
        expect(touched.filter((key) => !key.startsWith("HTTPRoute/"))).toEqual([]);
        expect(touched.length).toBeLessThanOrEqual(grown > 0 ? 2 : 1);
        expect(touched.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("a pool that grows by one tool after the other", () => {
  const tools = Array.from({ length: 100 }, (_, index) => `tool-${index}`);
  const objectsWith = (count: number, more: Partial<SpecInput> = {}) => {
    const pools = [
      { name: "big", prompts: ["p"], tools: tools.slice(0, count) },
      { name: "small", tools: ["other"] },
    ];
    return renderedFor(basket({}, { pools, ...more }), "any gateway").objects;
  };
  const all = Array.from({ length: tools.length }, (_, index) => objectsWith(index + 1));

  test("changes one HTTPRoute at each, and two where one splits", () => {
    const steps = all.slice(1).map((objects, index) => ({
      touched: changed(all[index]!, objects).length,
      more: objects.length - all[index]!.length,
    }));
    expect(steps.filter(({ touched, more }) => touched !== 1 + more)).toEqual([]);
    expect(Math.max(...steps.map(({ more }) => more))).toBe(1);
    expect(steps.filter(({ more }) => more > 0).length).toBeGreaterThan(0);
  });

  test("is within the limits of Gateway API at each", () => {
    expect(all.flatMap((objects) => httpRoutesOf(objects).flatMap(refusals))).toEqual([]);
  });

  test("keeps its tools where they are when a legacy pool comes", () => {
    const routeOf = (objects: KubeObject[]) =>
      Object.fromEntries(
        httpRoutesOf(objects).flatMap((route) => namesIn([route]).map((name) => [name, route.metadata.name])),
      );
    expect(routeOf(objectsWith(tools.length, { legacy: {} }))).toEqual(routeOf(all.at(-1)!));
  });

  test("is again what it was when the tools go", () => {
    expect(tools.map((_, index) => JSON.stringify(objectsWith(index + 1)))).toEqual(
      all.map((objects) => JSON.stringify(objects)),
    );
  });

  test("keeps every tool in exactly one match in each form", () => {
    const encoded = ["p", "other", ...tools].map((name) => `=?base64?${Buffer.from(name).toString("base64")}?=`);
    expect(namesIn(all.at(-1)!).toSorted()).toEqual(["p", "other", ...tools, ...encoded].toSorted());
  });
});

test("500 tools in 20 pools are an HTTPRoute a pool, and one more tool changes one of them", () => {
  const pools = Array.from({ length: 20 }, (_, pool) => ({
    name: `pool-${pool}`,
    tools: Array.from({ length: 25 }, (__, tool) => `tool-${pool}-${tool}`),
  }));
  const spec = { image: "basket", pools };
  const objectsOf = (some: SpecInput) => renderedFor(basket({}, some), "any gateway").objects;
  expect(objectsOf(spec)).toHaveLength(1 + 20);
  expect(changed(objectsOf(spec), objectsOf(withTool(spec, 7, "one-more")))).toHaveLength(1);
});
