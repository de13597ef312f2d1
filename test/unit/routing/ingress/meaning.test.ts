// Every dialect sends every request where the server's table sends it, or says that it can't.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { McpServer, SpecInput } from "../../../../operator/api/mcpserver.ts";
import type { RateLimit } from "../../../../operator/api/routing.ts";
import { roleName } from "../../../../operator/desired/names.ts";
import { hashOf } from "../../../../operator/desired/object.ts";
import { ingressRoutes } from "../../../../operator/desired/routing/ingress.ts";
import type { Limitation } from "../../../../operator/desired/routing/routes.ts";
import { affinities } from "../../../support/affinity.ts";
import { serverOf } from "../../../support/arbitraries.ts";
import { requestTo, routedSpec } from "../../../support/routing/arbitraries.ts";
import { type Dialect, dialect, dialects, plain, tableOf } from "../../../support/routing/ingress/dialects.ts";
import { takenByKong } from "../../../support/routing/ingress/ingresses.ts";
import type { WebRequest } from "../../../support/routing/ingress/request.ts";
import { limitsOn, nameOf } from "../../../support/routing/meaning.ts";
import { firstFit, type Shares, sharesOf } from "../../../support/routing/table.ts";

/** Servers with spec.routing.ingress; some dialects can't do without hostnames. */
const serverFor = ({ name }: Dialect) =>
  routedSpec.map(({ routing, ...spec }): McpServer => {
    const { gateway: _, ...rest } = routing!;
    const hostnames = name === "contour" ? { hostnames: ["mcp.example.com"] } : {};
    const byIngress = { ...hostnames, ...rest, ingress: { className: "web" } };
    return serverOf("basket", { ...spec, routing: byIngress } as SpecInput);
  });

/** A host that a client may call. */
const hostOf = ({ spec }: McpServer) =>
  fc.constantFrom(...(spec.routing?.hostnames ?? ["any.example.org"])).map((host) => host.replace("*", "w"));

const serverAndRequest = (of: Dialect) =>
  serverFor(of).chain((server) =>
    fc.tuple(
      fc.constant(server),
      fc.tuple(requestTo(server.spec), hostOf(server)).map(([request, host]): WebRequest => ({ ...request, host })),
    ),
  );

/** What the table says, as far as calls can be shared out. */
function expected(server: McpServer, request: WebRequest, { weights }: Dialect): Shares | undefined {
  const shares = sharesOf(firstFit(tableOf(server), request));
  const [first] = Object.keys(shares ?? {});
  return weights || first === undefined ? shares : { [first]: 100 };
}

/** Whether a limitation tells of this request: of its name, perhaps among those that aren't listed, or of the canary's header. */
function isToldOf(cannot: Limitation[], { headers }: WebRequest): boolean {
  const name = JSON.stringify(nameOf(headers["mcp-name"]) ?? "");
  return cannot.some(
    ({ field, message }) =>
      (field === "pools" && (message.includes(name) || / and \d+ more/.test(message))) || field === "canary.header",
  );
}

/** Whether no pool has the name, but one has it in other letters. */
function isInOtherCase({ spec }: McpServer, { headers }: WebRequest): boolean {
  const name = nameOf(headers["mcp-name"]) ?? "";
  const names = (spec.pools ?? []).flatMap(({ tools = [], prompts = [], resourceUris = [] }) => [
    ...tools,
    ...prompts,
    ...resourceUris,
  ]);
  return !names.includes(name) && names.some((other) => other.toLowerCase() === name.toLowerCase());
}

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

const runs = 400;

describe.each(dialects)("$name", (each) => {
  const routes = (server: McpServer) => ingressRoutes(server, tableOf(server), each.controller);

  test("sends a request to the backends of the first rule of the table that fits, or says that it can't", () => {
    // A limitation must not be an excuse for everything.
    let excused = 0;
    fc.assert(
      fc.property(serverAndRequest(each), ([server, request]) => {
        const { objects, cannot } = routes(server);
        const wanted = expected(server, request, each);
        const check = () => expect(each.takenBy(objects, request)?.shares).toEqual(wanted);
        const isTold = isToldOf(cannot, request) || (each.foldsCase && isInOtherCase(server, request));
        if (!isTold) check();
        else if (!holds(check)) excused += 1;
      }),
      { numRuns: runs },
    );
    expect(excused).toBeLessThan(runs / 10);
  });

  test("says so where calls should be shared out and can't be", () => {
    fc.assert(
      fc.property(serverFor(each), (server) => {
        const isShared = tableOf(server).some(({ to }) => to.length > 1) && !each.weights;
        expect(routes(server).cannot.some(({ field }) => field === "canary.weight")).toBe(isShared);
      }),
    );
  });

  test("has names and labels of at most 63 characters, and distinct names within a kind", () => {
    fc.assert(
      fc.property(serverFor(each), (server) => {
        const { objects } = routes(server);
        const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
        expect(new Set(keys).size).toBe(keys.length);
        const texts = objects.flatMap(({ metadata }) => [metadata.name, ...Object.values(metadata.labels)]);
        expect(texts.filter((text) => text.length > 63)).toEqual([]);
      }),
    );
  });

  test("has names of annotations that an API server takes, and no more text in them than it takes", () => {
    fc.assert(
      fc.property(serverFor(each), (server) => {
        for (const { metadata } of routes(server).objects) {
          const annotations = Object.entries(metadata.annotations ?? {});
          const name = /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
          expect(annotations.map(([key]) => key).filter((key) => !name.test(key))).toEqual([]);
          expect(JSON.stringify(annotations).length).toBeLessThan(256 * 1024);
        }
      }),
    );
  });

  test("binds no caller to a pod", () => {
    fc.assert(
      fc.property(serverFor(each), (server) => {
        // Web pages may read the header of that name, whatever it is for.
        const found = routes(server).objects.flatMap((object) => affinities(object));
        expect(found.filter((path) => !path.includes("Mcp-Session-Id"))).toEqual([]);
      }),
    );
  });

  test("answers the same for the same, byte for byte, and holds no null and nothing undefined", () => {
    fc.assert(
      fc.property(serverFor(each), (server) => {
        const before = structuredClone(server);
        const text = JSON.stringify(routes(server));
        expect(JSON.stringify(routes(structuredClone(server)))).toBe(text);
        expect(server).toEqual(before);
        expect(JSON.parse(text)).toStrictEqual(routes(server));
        expect(text).not.toContain("null");
      }),
    );
  });
});

describe("rate limits", () => {
  const limitsFor = ({ spec }: McpServer, request: WebRequest) =>
    request.path === spec.path ? limitsOn(spec, request) : [];
  const objectName = (limit: RateLimit) => roleName("basket", `rate-limit-${hashOf(limit)}`);

  test("of Traefik are all that are for a call", () => {
    fc.assert(
      fc.property(serverAndRequest(plain), ([server, request]) => {
        const { objects } = ingressRoutes(server, tableOf(server), dialect("traefik").controller);
        const wanted = new Set(limitsFor(server, request).map(objectName));
        expect(new Set(dialect("traefik").takenBy(objects, request)?.limits)).toEqual(wanted);
      }),
      { numRuns: runs },
    );
  });

  test("of Kong are one of those that are for a call, and none for other calls", () => {
    fc.assert(
      fc.property(serverAndRequest(plain), ([server, request]) => {
        const { objects, cannot } = ingressRoutes(server, tableOf(server), dialect("kong").controller);
        if (isToldOf(cannot, request)) return;
        const found = takenByKong(objects, request, (value) => value)?.limits ?? [];
        const wanted = limitsFor(server, request).map(objectName);
        expect(found).toHaveLength(Math.min(wanted.length, 1));
        expect(wanted).toEqual(expect.arrayContaining(found));
      }),
      { numRuns: runs },
    );
  });

  test("of Contour are one of those that are for a call of any client, and none for other calls", () => {
    fc.assert(
      fc.property(serverAndRequest(plain), ([server, request]) => {
        if (!server.spec.routing?.hostnames || request.path !== server.spec.path) return;
        const { objects } = ingressRoutes(server, tableOf(server), dialect("contour").controller);
        const found = dialect("contour").takenBy(objects, request)?.limits ?? [];
        const wanted = limitsFor(server, request)
          .filter(({ perClient }) => perClient === undefined)
          .map(({ requests, unit }) => `${requests} ${unit.toLowerCase()}`);
        expect(found).toHaveLength(Math.min(wanted.length, 1));
        expect(wanted).toEqual(expect.arrayContaining(found));
      }),
      { numRuns: runs },
    );
  });
});

describe("an unknown controller", () => {
  test("gets all calls to the main pool", () => {
    fc.assert(
      fc.property(serverAndRequest(plain), ([server, request]) => {
        const rules = tableOf(server);
        const { objects } = ingressRoutes(server, rules, plain.controller);
        const main = sharesOf(rules.findLast(({ pool, path }) => pool === "main" && path === request.path));
        const [first] = Object.keys(main ?? {});
        expect(plain.takenBy(objects, request)?.shares).toEqual(first === undefined ? undefined : { [first]: 100 });
      }),
    );
  });
});
