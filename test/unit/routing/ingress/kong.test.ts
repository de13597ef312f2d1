// What Ingresses and plugins of Kong have that requests don't show.
import { describe, expect, test } from "vitest";
import { byIngress, routesWith } from "../../../support/routing/ingress/dialects.ts";

type Spec = Parameters<typeof routesWith>[1];

const annotations = (spec: Spec) =>
  routesWith("kong", spec).objects.flatMap(({ kind, metadata }) =>
    kind === "Ingress" ? [metadata.annotations ?? {}] : [],
  );
const all = (spec: Spec, name: string) => annotations(spec).map((each) => each[`konghq.com/${name}`]);
const fields = (spec: Spec) => routesWith("kong", spec).cannot.map(({ field }) => field);

test("answers are passed on as they come, on every route", () => {
  const spec = { pools: [{ name: "a", tools: ["a"] }], ...byIngress() };
  expect(new Set(all(spec, "response-buffering"))).toEqual(new Set(["false"]));
});

test("values are told apart by commas, which all versions know, unless one has a comma", () => {
  const separators = (...tools: string[]) =>
    all({ pools: [{ name: "a", tools }], ...byIngress() }, "headers-separator");
  expect(separators("a", "b")).toEqual([undefined, undefined, undefined]);
  expect(separators("a,b", "c")).toEqual(["\n", undefined, undefined]);
});

describe("silence", () => {
  const timeouts = (idle: string) => routesWith("kong", byIngress({ timeouts: { idle } })).serviceAnnotations;

  test("may be as long as the spec says: for the Services, where the controller looks", () => {
    expect(timeouts("90s")).toEqual({ "konghq.com/read-timeout": "90000", "konghq.com/write-timeout": "90000" });
  });

  test("may be as long as Kong can count when the spec sets no limit", () => {
    expect(timeouts("0s")?.["konghq.com/read-timeout"]).toBe("2147483646");
    expect(timeouts("99999h")?.["konghq.com/read-timeout"]).toBe("2147483646");
  });
});

describe("TLS", () => {
  const protocols = (...hosts: string[]) =>
    all(
      byIngress({ hostnames: ["a.example.com", "b.example.com"], ingress: { tls: [{ hosts, secretName: "t" }] } }),
      "protocols",
    );

  test("is a must where all hosts have a certificate", () => {
    expect(protocols("a.example.com", "b.example.com")).toEqual(["https", "https"]);
  });

  test("isn't where some have none", () => {
    expect(protocols("a.example.com")).toEqual([undefined, undefined]);
    expect(all(byIngress(), "protocols")).toEqual([undefined, undefined]);
  });
});

describe("plugins", () => {
  test("for limits are made only where a route uses them", () => {
    const limits = { rateLimits: [{ requests: 5 }, { requests: 6 }] };
    const plugins = routesWith("kong", byIngress(limits)).objects.filter(({ kind }) => kind === "KongPlugin");
    expect(plugins.map(({ config }) => config)).toEqual([{ minute: 5, policy: "local", limit_by: "service" }]);
    expect(fields(byIngress(limits))).toEqual(["routing.rateLimits"]);
  });

  test("for limits tell clients apart by header, by address, or not at all", () => {
    const config = (perClient?: object) =>
      routesWith("kong", byIngress({ rateLimits: [{ requests: 5, ...(perClient && { perClient }) }] })).objects[0]
        ?.config;
    expect(config({ header: "X-Api-Key" })).toMatchObject({ limit_by: "header", header_name: "X-Api-Key" });
    expect(config({ sourceAddress: true })).toMatchObject({ limit_by: "ip" });
    expect(config()).toMatchObject({ limit_by: "service" });
  });
});

test("a tool's rule keeps its name when another tool gets a limit: no call is without a route meanwhile", () => {
  const ruleOf = (tool: string, rateLimits: { tool: string; requests: number }[]) =>
    routesWith("kong", { pools: [{ name: "a", tools: ["x", "y"] }], ...byIngress({ rateLimits }) }).objects.find(
      ({ metadata }) => metadata.annotations?.["konghq.com/headers.mcp-name"]?.split(",").includes(tool),
    )?.metadata.name;
  expect(ruleOf("y", [{ tool: "x", requests: 5 }])).toBe(ruleOf("y", []));
  expect(ruleOf("x", [{ tool: "x", requests: 5 }])).not.toBe(ruleOf("x", []));
});

test("a canary's header that no annotation can name is told", () => {
  const canary = { image: "basket:2", header: { name: "x".repeat(60), value: "yes" } };
  expect(fields({ canary, ...byIngress() })).toEqual(["canary.header"]);
});
