// Tables rewritten for controllers: cut for rate limits, and told apart by the number of headers. Their meaning stays.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RateLimit } from "../../../../operator/api/routing.ts";
import { headerValues } from "../../../../operator/desired/routing/header-value.ts";
import { byCount } from "../../../../operator/desired/routing/ingress/by-count.ts";
import { inParts, regexOf } from "../../../../operator/desired/routing/ingress/headers.ts";
import { covers, meet, without } from "../../../../operator/desired/routing/ingress/overlap.ts";
import { withLimits } from "../../../../operator/desired/routing/ingress/parts.ts";
import { methodHeader, nameHeader, type Rule } from "../../../../operator/desired/routing/table.ts";
import type { CallRequest } from "../../../support/routing/meaning.ts";
import { firstFit, mostHeaders } from "../../../support/routing/table.ts";

const path = "/mcp";
const methods = ["tools/call", "prompts/get", "tools/list"];
const names = ["a", "b", "wétter"];
const rest = ["x", "y"];
const some = (values: string[]) => fc.subarray(values, { minLength: 1 });

/** Rules in any order, which overlap in any way: worse than any table of a server. */
const rules: fc.Arbitrary<Rule[]> = fc
  .array(
    fc.record({
      headers: fc
        .record(
          { [methodHeader]: some(methods), [nameHeader]: some(names), "X-Canary": some(rest) },
          { requiredKeys: [] },
        )
        .map((headers) => Object.entries(headers).map(([name, values]) => ({ name, values }))),
      isCall: fc.boolean(),
    }),
    { maxLength: 7 },
  )
  .map((all) =>
    all.map(({ headers, isCall }, index) => ({
      pool: `p${index}`,
      path: isCall ? path : "/other",
      headers,
      to: [{ pool: `p${index}`, service: `p${index}`, port: 80, weight: 100 }],
      endless: false,
    })),
  );
const limits = fc.array(
  fc.oneof(
    fc.constant({}),
    fc.constantFrom(...methods).map((method) => ({ method })),
    fc.constantFrom(...names).map((tool) => ({ tool })),
  ),
  { maxLength: 4 },
);
const limited: fc.Arbitrary<RateLimit[]> = limits.map((all) =>
  all.map((what, index) => ({ ...what, requests: index + 1, unit: "Minute" as const })),
);

const maybe = (name: string, values: string[]) =>
  fc.constantFrom(...values, "other", undefined).map((value) => (value === undefined ? {} : { [name]: value }));
const request: fc.Arbitrary<CallRequest> = fc
  .tuple(
    maybe("mcp-method", methods),
    maybe("mcp-name", ["a", "b", "=?base64?d8OpdHRlcg==?="]),
    maybe("x-canary", rest),
  )
  .chain((headers) =>
    fc.constantFrom(path, "/other").map((at) => ({ path: at, headers: Object.assign({}, ...headers) })),
  );

const runs = { numRuns: 2000 };

/** Whether a limit is for a call. */
function isFor({ method, tool }: RateLimit, { headers }: CallRequest): boolean {
  if (tool === undefined) return method === undefined || headers["mcp-method"] === method;
  return headers["mcp-method"] === "tools/call" && headerValues(tool).includes(headers["mcp-name"] ?? "");
}

describe("a table cut for rate limits", () => {
  test("sends every request where the table sends it", () => {
    fc.assert(
      fc.property(rules, limited, request, (all, asked, each) => {
        expect(firstFit(withLimits(all, asked, path), each)?.pool).toBe(firstFit(all, each)?.pool);
      }),
      runs,
    );
  });

  test("has with each call all limits that are for it, the most specific first, and none with other requests", () => {
    fc.assert(
      fc.property(rules, limited, request, (all, asked, each) => {
        const part = firstFit(withLimits(all, asked, path), each);
        if (!part) return;
        expect(new Set(part.limits)).toEqual(
          new Set(each.path === path ? asked.filter((limit) => isFor(limit, each)) : []),
        );
        const aims = part.limits.map(({ method, tool }) => (tool !== undefined ? 2 : method !== undefined ? 1 : 0));
        expect(aims).toEqual(aims.toSorted((a, b) => b - a));
      }),
      runs,
    );
  });

  test("is the table itself when there are no limits, but for rules that nothing reaches", () => {
    fc.assert(
      fc.property(rules, (all) => {
        const reached = all.filter((rule, index) => !all.slice(0, index).some((earlier) => covers(earlier, rule)));
        expect(withLimits(all, [], path)).toEqual(reached.map((rule) => ({ ...rule, limits: [] })));
      }),
    );
  });
});

describe("a table by the number of headers", () => {
  test("has one rule with the most headers for every request, which goes where the table sends it", () => {
    fc.assert(
      fc.property(rules, request, (all, each) => {
        const found = mostHeaders(byCount(all), each);
        expect(found.length).toBeLessThan(2);
        expect(found[0]?.pool).toBe(firstFit(all, each)?.pool);
      }),
      runs,
    );
  });

  test("is the table itself where that says so already", () => {
    const rule = (pool: string, ...headers: Rule["headers"]): Rule => ({ pool, path, headers, to: [], endless: false });
    const method = { name: methodHeader, values: ["tools/call"] };
    const canary = { name: "X-Canary", values: ["x"] };
    const all = [rule("a", method, canary), rule("a", method), rule("canary", canary), rule("main")];
    expect(byCount(all)).toEqual(all);
  });
});

describe("requests in common", () => {
  test("of two rules are those that fit both", () => {
    fc.assert(
      fc.property(rules, request, (all, each) => {
        const [a, b] = all;
        if (!a || !b) return;
        const both = meet(a, b);
        const fitsBoth = all.slice(0, 2).every((rule) => firstFit([rule], each));
        expect(both !== undefined && firstFit([{ ...a, headers: both }], each) !== undefined).toBe(fitsBoth);
      }),
      runs,
    );
  });

  test("can be taken out of a rule that asks for as many headers", () => {
    const from: Rule = {
      pool: "p",
      path,
      headers: [
        { name: methodHeader, values: methods },
        { name: nameHeader, values: names },
      ],
      to: [],
      endless: false,
    };
    fc.assert(
      fc.property(some(methods), some(names), request, (method, name, each) => {
        const taken = {
          path,
          headers: [
            { name: methodHeader, values: method },
            { name: nameHeader, values: name },
          ],
        };
        const fits = (headers: Rule["headers"]) => firstFit([{ ...from, headers }], each) !== undefined;
        const pieces = without(from, taken).filter(({ headers }) => fits(headers));
        expect(pieces.length).toBe(fits(from.headers) && !fits(taken.headers) ? 1 : 0);
      }),
      runs,
    );
  });
});

describe("values", () => {
  test("as a regular expression match themselves and nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme-ascii" }), { minLength: 1 }), fc.string(), (values, other) => {
        const regex = new RegExp(regexOf(values));
        expect(values.filter((value) => !regex.test(value))).toEqual([]);
        expect(regex.test(other)).toBe(values.includes(other));
      }),
    );
  });

  test("in parts are all there, in rules that aren't longer than asked for unless one value is", () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 1, max: 20 }), request, (all, most, each) => {
        const parts = inParts(all, most);
        expect(firstFit(parts, each)?.pool).toBe(firstFit(all, each)?.pool);
        const tooLong = parts.flatMap(({ headers }) => headers).filter(({ values }) => values.join("").length > most);
        expect(tooLong.filter(({ values }) => values.length > 1)).toEqual([]);
      }),
    );
  });
});
