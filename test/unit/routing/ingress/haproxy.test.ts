// What Ingresses of haproxy-ingress have that requests don't show.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ingressRoutes } from "../../../../operator/desired/routing/ingress.ts";
import { serverOf } from "../../../support/arbitraries.ts";
import { routedSpec } from "../../../support/routing/arbitraries.ts";
import { byIngress, dialect, routesWith, tableOf } from "../../../support/routing/ingress/dialects.ts";

const key = (name: string) => `haproxy-ingress.github.io/${name}`;

test("no two servers have a rule with the same lines: to the controller, these would have one place in the order of all", () => {
  const lines = (name: string, spec: Parameters<typeof serverOf>[1]) => {
    const { gateway: _, ...rest } = spec.routing!;
    const server = serverOf(name, { ...spec, routing: { ...rest, ingress: { className: "web" } } });
    return ingressRoutes(server, tableOf(server), dialect("haproxy").controller)
      .objects.map(({ metadata: { annotations = {} } }) =>
        [annotations[key("http-header-match")], annotations[key("http-header-match-regex")]].join("\n"),
      )
      .filter((text) => text !== "\n");
  };
  fc.assert(
    fc.property(routedSpec, (spec) => {
      const both = new Set(lines("a", spec));
      expect(lines("b", spec).filter((text) => both.has(text))).toEqual([]);
    }),
  );
});

test("silence may be as long as the spec says, and as long as HAProxy can count when it sets no limit", () => {
  const timeout = (idle: string) =>
    routesWith("haproxy", byIngress({ timeouts: { idle } })).objects[0]?.metadata.annotations?.[key("timeout-server")];
  expect(timeout("90s")).toBe("90s");
  expect(timeout("0s")).toBe("2147483s");
  expect(timeout("99999h")).toBe("2147483s");
});

test("lists of names that are too long for one regular expression are several Ingresses, none too long", () => {
  const resourceUris = Array.from({ length: 100 }, (_, index) => `file:///${"x".repeat(900)}/${index}`);
  const { objects, cannot } = routesWith("haproxy", { pools: [{ name: "docs", resourceUris }], ...byIngress() });
  const regexes = objects.flatMap(({ metadata }) => metadata.annotations?.[key("http-header-match-regex")] ?? []);
  expect(cannot).toEqual([]);
  expect(regexes.length).toBeGreaterThan(10);
  expect(Math.max(...regexes.map((regex) => regex.length))).toBeLessThan(24_000);
});

test("rate limits aren't kept, which is told: the controller counts connections", () => {
  const { cannot } = routesWith("haproxy", byIngress({ rateLimits: [{ requests: 1, unit: "Second" }] }));
  expect(cannot.map(({ field }) => field)).toEqual(["routing.rateLimits"]);
});

test("a canary's header that the configuration can't hold is told, and its rules are left out", () => {
  const canary = { image: "basket:2", header: { name: "X#Canary", value: "yes" } };
  const { objects, cannot } = routesWith("haproxy", { canary, ...byIngress() });
  expect(cannot.map(({ field }) => field)).toEqual(["canary.header"]);
  expect(JSON.stringify(objects)).not.toContain("X#Canary");
});
