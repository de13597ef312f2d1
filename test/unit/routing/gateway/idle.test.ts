// Routes that are there before their calls, so that gateways know their backends.
import { describe, expect, test } from "vitest";
import { idle, isIdle } from "../../../../operator/desired/routing/gateway/idle.ts";
import { routes } from "../../../../operator/desired/routing/index.ts";
import { contenders, rulesOf } from "../../../support/routing/precedence.ts";
import { allPools, basket, controllers, httpRoutesOf, kinds, ofKind } from "../../../support/routing/rendered.ts";

const pools = [{ name: "prices", tools: ["price"] }];
const canary = { image: "basket:2", weight: 50, header: { name: "X-Canary", value: "yes" } };
const server = basket({}, { pools, canary, legacy: {} });
const main = new Set(["main"]);
const namesOf = (objects: ReturnType<typeof httpRoutesOf>) => objects.map(({ metadata }) => metadata.name).toSorted();
const actionsOf = (objects: ReturnType<typeof httpRoutesOf>) =>
  objects.map((route) => rulesOf(route).map(({ matches: _, ...action }) => action));

describe.each(kinds)("for %s", (kind) => {
  const rendered = (takesCalls: ReadonlySet<string>, isKnown: (route: string) => boolean) =>
    httpRoutesOf(routes(server, { takesCalls, isKnown, controllers: controllers[kind] }).objects);
  const whole = rendered(allPools(server), () => true);

  test("pools without pods have the routes that they will have, idle", () => {
    const early = rendered(main, () => true);
    expect(namesOf(early)).toEqual(namesOf(whole));
    expect(early.map(({ metadata }) => isIdle(metadata.annotations))).toEqual([false, true, true, true]);
    expect(actionsOf(early).slice(1)).toEqual(actionsOf(whole).slice(1));
  });

  test("a route that the gateway has not learnt of is idle; the server's own takes calls at once", () => {
    const early = rendered(allPools(server), () => false);
    expect(early.map(({ metadata }) => isIdle(metadata.annotations))).toEqual([false, true, true, true]);
    expect(early.slice(1)).toEqual(whole.slice(1).map(idle));
  });

  test("no call finds an idle route", () => {
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "price" };
    const call = { path: "/mcp", headers };
    expect(contenders(ofKind(whole, "HTTPRoute").slice(1), call)).not.toEqual([]);
    expect(contenders(whole.map(idle), call)).toEqual([]);
  });
});
