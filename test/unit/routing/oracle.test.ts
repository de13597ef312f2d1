// What is rendered and what the spec means: the same, for any server and any request, on every kind of gateway.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { McpServer } from "../../../operator/api/mcpserver.ts";
import type { KubeObject } from "../../../operator/desired/object.ts";
import { poolsOf } from "../../../operator/desired/pool.ts";
import { type Rule, routeTable } from "../../../operator/desired/routing/table.ts";
import { serverOf } from "../../support/arbitraries.ts";
import { requestTo, routedSpec } from "../../support/routing/arbitraries.ts";
import { type CallRequest, isStream, limitsOn, meaning, nameOf } from "../../support/routing/meaning.ts";
import { type Contender, contenders, tied } from "../../support/routing/precedence.ts";
import { allPools, httpRoutesOf, type Kind, kinds, ofKind, renderedFor } from "../../support/routing/rendered.ts";
import { firstFit } from "../../support/routing/table.ts";

/** Servers, which of their pools take calls, and requests. */
const served = routedSpec.chain((spec) => {
  const server = serverOf("basket", spec);
  const pools = [...allPools(server)].filter((name) => name !== "main");
  return fc.record({
    server: fc.constant(server),
    takesCalls: fc.subarray(pools).map((up) => new Set(["main", ...up])),
    requests: fc.array(requestTo(server.spec), { minLength: 20, maxLength: 20 }),
  });
});

/** Names that a gateway without regular expressions can't match as they stand: the status says so. */
const isLost = (kind: Kind, { headers }: CallRequest) => {
  const isAsItStands = nameOf(headers["mcp-name"]) === headers["mcp-name"];
  const { "mcp-name": name, ...others } = headers;
  const values = [...Object.values(others), ...(isAsItStands && name !== undefined ? [name] : [])];
  return kind !== "Envoy Gateway" && kind !== "Traefik" && values.some((value) => /[\t ]{2}|`/.test(value));
};

interface Found {
  server: McpServer;
  takesCalls: ReadonlySet<string>;
  objects: KubeObject[];
  request: CallRequest;
  /** The matches that fit, the one that counts first. */
  found: Contender[];
}

const everyRequest = (kind: Kind, check: (found: Found) => void) =>
  fc.assert(
    fc.property(served, ({ server, takesCalls, requests }) => {
      const { objects } = renderedFor(server, kind, takesCalls);
      for (const request of requests.filter((each) => !isLost(kind, each)))
        check({ server, takesCalls, objects, request, found: contenders(httpRoutesOf(objects), request) });
    }),
  );

/** Shares by pool, as the rule's Services have them; a canary without a share is named all the same. */
function sharesOf(server: McpServer, { rule }: Contender): Record<string, number> {
  const pools = new Map(poolsOf(server).map(({ name, objectName }) => [objectName, name]));
  const shares = rule.backendRefs.filter(({ weight }) => weight > 0);
  return Object.fromEntries(shares.map(({ name, weight }) => [pools.get(name) ?? name, weight]));
}

describe("the table of any server", () => {
  const sharesByPool = ({ to }: Rule) => Object.fromEntries(to.map(({ pool, weight }) => [pool, weight]));

  test("sends every request where the spec says, by the first rule that fits", () => {
    fc.assert(
      fc.property(served, ({ server, takesCalls, requests }) => {
        const rules = routeTable(server, takesCalls);
        for (const request of requests) {
          const rule = firstFit(rules, request);
          const expected = meaning(server.spec, takesCalls, request);
          expect(rule && sharesByPool(rule), JSON.stringify(request)).toEqual(expected);
        }
      }),
    );
  });

  test("has a name before the method that another pool takes, with the canary's header too", () => {
    const canary = { image: "basket:2", header: { name: "X-Canary", value: "yes" } };
    const pools = [
      { name: "calls", methods: ["tools/call" as const] },
      { name: "prices", tools: ["price"] },
    ];
    const server = serverOf("basket", { image: "basket", canary, pools });
    const headers = { "mcp-method": "tools/call", "mcp-name": "price", "x-canary": "yes" };
    const rule = firstFit(routeTable(server, allPools(server)), { path: "/mcp", headers });
    expect(rule?.pool).toBe("prices");
  });
});

describe.each(kinds)("for %s, the routes of any server", (kind) => {
  test("send every request where the spec says", () => {
    everyRequest(kind, ({ server, takesCalls, request, found: [first] }) => {
      const expected = meaning(server.spec, takesCalls, request);
      expect(first && sharesOf(server, first), JSON.stringify(request)).toEqual(expected);
    });
  });

  test("leave no choice between two rules", () => {
    everyRequest(kind, ({ found }) => {
      const actions = tied(found).map(({ rule: { matches: _, ...action } }) => JSON.stringify(action));
      expect(new Set(actions).size).toBeLessThan(2);
    });
  });

  test("give streams no time limit, and all else the one of the spec", () => {
    everyRequest(kind, ({ server, takesCalls, request, found: [first] }) => {
      const { request: limit } = server.spec.routing!.timeouts;
      const expected = isStream(server.spec, takesCalls, request) ? "0s" : limit;
      if (first) expect(first.rule.timeouts).toEqual({ request: expected });
    });
  });
});

const text = (limits: unknown[]) => limits.map((limit) => JSON.stringify(limit)).toSorted();
/** Calls as clients make them: those of the old protocol say neither method nor name in headers. */
function isCall({ server, takesCalls, request }: Found): boolean {
  const isLegacy = meaning(server.spec, takesCalls, request)?.legacy !== undefined;
  return request.path === server.spec.path && !(isLegacy && "mcp-method" in request.headers);
}

test("Traefik's rules refer to the limits that count a request, and to no others", () => {
  everyRequest("Traefik", (one) => {
    const { server, objects, request, found } = one;
    if (!isCall(one)) return;
    const byName = new Map(ofKind(objects, "Middleware").map(({ metadata, spec }) => [metadata.name, spec]));
    const specs = (found[0]?.rule.filters ?? []).map(({ extensionRef }) => byName.get(extensionRef?.name ?? ""));
    const limits = specs.flatMap(
      (spec) => (spec as { rateLimit?: { average: number; period: string } }).rateLimit ?? [],
    );
    const units = { "1s": "Second", "1m": "Minute", "1h": "Hour" } as Record<string, string>;
    const expected = limitsOn(server.spec, request);
    // A limit that stands there twice is one Middleware.
    expect(
      [...new Set(text(limits.map(({ average, period }) => [average, units[period]])))],
      JSON.stringify(request),
    ).toEqual([...new Set(text(expected.map(({ requests, unit }) => [requests, unit])))]);
  });
});

interface Selector {
  headers?: { type: string; name: string; value?: string; invert?: boolean }[];
  path?: { type: string; value: string };
  sourceCIDR?: { type: string; value: string };
}
interface LimitRule {
  clientSelectors: Selector[];
  limit: object;
}

/** Whether Envoy counts a request by a rule: all conditions hold; a Distinct one asks for the header only. */
function selects({ headers = [], path, sourceCIDR }: Selector, request: CallRequest): boolean {
  const holds = headers.every(({ type, name, value = "", invert = false }) => {
    const sent = request.headers[name.toLowerCase()];
    if (type === "Distinct") return sent !== undefined;
    const fits = sent !== undefined && (type === "Exact" ? sent === value : new RegExp(`^(?:${value})$`).test(sent));
    return fits !== invert;
  });
  // As if all clients came by IPv4.
  return holds && request.path.startsWith(path?.value ?? "") && sourceCIDR?.value !== "::/0";
}

test("Envoy Gateway's policy counts a request by each limit that is for it once, whoever the client is", () => {
  everyRequest("Envoy Gateway", (one) => {
    const { server, objects, request } = one;
    if (!isCall(one)) return;
    const policy = ofKind(objects, "BackendTrafficPolicy")[0]!;
    const { rateLimit } = policy.spec as { rateLimit?: { local: { rules: LimitRule[] } } };
    const counting = (rateLimit?.local.rules ?? []).filter(({ clientSelectors }) =>
      clientSelectors.every((selector) => selects(selector, request)),
    );
    const expected = limitsOn(server.spec, request).map(({ requests, unit }) => ({ requests, unit }));
    expect(text(counting.map(({ limit }) => limit)), JSON.stringify(request)).toEqual(text(expected));
  });
});
