// Limitations that several dialects have, in the same words.
import type { RateLimit } from "../../../api/routing.ts";
import { hashOf } from "../../object.ts";
import type { Limitation } from "../routes.ts";
import { type Backend, methodHeader, nameHeader, type Rule } from "../table.ts";
import { type Ask, limitsOf, timeoutsOf } from "./ask.ts";
import { valuesOf } from "./headers.ts";
import type { Part } from "./parts.ts";

/** Names in a message, as many as one can read. */
export function listed(names: Iterable<string>): string {
  const most = 20;
  const all = [...new Set(names)].map((name) => JSON.stringify(name));
  return all.length > most ? `${all.slice(0, most).join(", ")} and ${all.length - most} more` : all.join(", ");
}

/** What api/routing.ts fills in: nobody asked for it, so it is no news that a controller has no such limit. */
const defaultTimeout = "1h";

/** For a time limit, or its absence, that the user wrote; none for the default. */
export function cannotSetTime({ routing }: Ask, field: "request" | "idle", message: string): Limitation[] {
  return routing.timeouts[field] === defaultTimeout ? [] : [{ field: `routing.timeouts.${field}`, message }];
}

/** The same, for controllers that set no limit by themselves. */
export const cannotTime = (ask: Ask, field: "request" | "idle", message: string): Limitation[] =>
  timeoutsOf(ask)[field] === 0 ? [] : cannotSetTime(ask, field, message);

/** For a rate limit that isn't kept, or not as it is meant. */
export function cannotCount({ routing }: Ask, message: string): Limitation[] {
  return routing.rateLimits?.length ? [{ field: "routing.rateLimits", message }] : [];
}

/** Where all of a rule's calls go when they can't be shared out: rather to the main pool than to the canary. */
export const onlyBackend = ({ to: [first] }: Rule): Backend[] => (first ? [first] : []);

/** For shares of calls, by a controller that sends a rule's calls to one Service; it tells them apart by header, or doesn't. */
export function cannotShare(rules: Rule[], controller: string, byHeader = true): Limitation[] {
  if (rules.every(({ to }) => to.length < 2)) return [];
  const others = byHeader ? "all calls but those with canary.header: give the canary a header" : "all calls";
  const message = `${controller} can't share calls out by weight, so the main pool gets ${others}.`;
  return [{ field: "canary.weight", message }];
}

/** For annotations that cert-manager reads on an Ingress and on no other kind. */
export function cannotCertify({ ingress }: Ask, kind: string): Limitation[] {
  const asks = Object.keys(ingress.annotations ?? {}).some((key) => key.startsWith("cert-manager.io/"));
  const message = `cert-manager doesn't look at ${kind}: create a Certificate for the Secret in routing.ingress.tls yourself.`;
  return asks ? [{ field: "routing.ingress.annotations", message }] : [];
}

/** For limits that are counted in several places. */
export function cannotAddUp(ask: Ask, controller: string, routesOf: (limit: RateLimit) => number): Limitation[] {
  if (!limitsOf(ask).some((limit) => routesOf(limit) > 1)) return [];
  const message = `${controller} counts for each route by itself: a limit for calls of several pools, or on several hosts, lets each have as many.`;
  return [{ field: "routing.rateLimits", message }];
}

/** For calls that several limits are for, by a controller that keeps one of them. */
export function cannotCombine(parts: Part[], controller: string): Limitation[] {
  if (parts.every(({ limits }) => limits.length < 2)) return [];
  const message = `${controller} keeps one limit for a call, the most specific: calls that it is for don't count for the others.`;
  return [{ field: "routing.rateLimits", message }];
}

/** Names that differ in case only and are of different rules, which a controller that doesn't mind case mixes up. */
export function cannotTellCase(rules: (Rule | Part)[], controller: string): Limitation[] {
  const named = rules.flatMap((rule: Rule & Partial<Part>) => {
    const [method = ""] = valuesOf(rule, methodHeader);
    const effect = hashOf([rule.pool, rule.limits]);
    return valuesOf(rule, nameHeader).map((name) => ({ name, key: `${method} ${name.toLowerCase()}`, effect }));
  });
  const mixed = [...Map.groupBy(named, ({ key }) => key).values()]
    .filter((alike) => new Set(alike.map(({ effect }) => effect)).size > 1)
    .flatMap((alike) => alike.map(({ name }) => name));
  if (mixed.length === 0) return [];
  return [
    {
      field: "pools",
      message: `${controller} doesn't mind the case of names, so these may reach each other's pool or count for each other's limit: ${listed(mixed)}; give them names that differ in more.`,
    },
  ];
}
