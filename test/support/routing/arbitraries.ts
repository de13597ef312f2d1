// Random names, routes and requests. Names are what people may come to: of any Unicode, like a method, like an encoded one.
import fc from "fast-check";
import type { Spec, SpecInput } from "../../../operator/api/mcpserver.ts";
import type { CallRequest } from "./meaning.ts";

type Pool = NonNullable<SpecInput["pools"]>[number];

const numbers = (min: number, max: number) => fc.integer({ min, max });
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
/** A record of which every field may be left out. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

/** Names that have gone wrong somewhere before, or look as if they could. */
const oddNames = [
  "tools/call",
  "tools/list",
  "subscriptions/listen",
  "wétter",
  "購入する",
  "🧺",
  "👩‍👩‍👧‍👦 family",
  " begins with a blank",
  "ends with one ",
  "two  blanks",
  "a\ttab",
  "a`quote",
  "$(.*)[a|b]?+^{1}\\",
  "=?base64?Y2hlY2tvdXQ=?=",
  "=?base64??=",
  "=?base64?unfinished",
  "Checkout",
  "checkout",
  "a, b",
  "*",
  "__proto__",
  "x".repeat(128),
  "é".repeat(128),
];
const anyName = fc
  .oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[a-z]{1,3}(_[a-z]{1,4})?$/) },
    { weight: 2, arbitrary: fc.constantFrom(...oddNames) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 128 }) },
  )
  .filter((name) => name.length <= 128);
const resourceUri = fc.oneof(
  fc.webUrl({ size: "-1" }).filter((url) => url.length <= 1024),
  fc.constantFrom("file:///report.txt", "test://static-text", "db:a`b", `file:///${"long/".repeat(200)}`),
);
const method = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("tools/call", "tools/list", "prompts/get", "resources/read", "tasks/get") },
  { weight: 2, arbitrary: fc.constantFrom("subscriptions/listen", "server/discover", "notifications/cancelled") },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z]{1,5}\/[a-z]{1,5}$/) },
);

/** Values, each in one of the pools. */
const dealt = (item: fc.Arbitrary<string>, maxLength: number) =>
  fc.uniqueArray(fc.tuple(item, fc.nat()), { maxLength, selector: ([value]) => value });

/** The pools, with what they take: each name and each method in one of them. */
export const takingPools = (
  pools: fc.Arbitrary<Pool[]>,
  most: { tools: number; prompts: number; resourceUris: number; methods: number },
): fc.Arbitrary<Pool[]> =>
  fc
    .tuple(
      pools,
      fc.record({
        tools: dealt(anyName, most.tools),
        prompts: dealt(anyName, most.prompts),
        resourceUris: dealt(resourceUri, most.resourceUris),
        methods: dealt(method, most.methods),
      }),
    )
    .map(([all, taken]) =>
      all.map((pool, index) => {
        const fields = Object.entries(taken).map(([field, values]) => {
          const own = values.flatMap(([value, at]) => (at % all.length === index ? [value] : []));
          return own.length > 0 ? { [field]: own } : {};
        });
        return Object.assign({ ...pool }, ...fields) as Pool;
      }),
    );

const headerName = fc.constantFrom("X-Canary", "x-api-key", "X-Team.2");
/** Values that a client can send: HTTP takes blanks around them away. */
const headerValue = fc.oneof(
  fc.constantFrom("yes", "tools/call", "a b", "$1.*"),
  fc.stringMatching(/^[!-_a-~]{1,8}( [!-_a-~]{1,8})?$/),
);
export const canaryShare = some({
  weight: numbers(0, 100),
  header: fc.record({ name: headerName, value: headerValue }),
});

const timeout = fc.constantFrom("0s", "90s", "1h", "60m", "1h30m", "99999h");
const rateLimit = fc
  .tuple(
    fc.oneof(
      fc.constant({}),
      fc.record({ method }),
      fc.record({ tool: fc.oneof(anyName, fc.constantFrom("a", "checkout", "wétter")) }),
    ),
    some({
      perClient: fc.oneof(
        fc.record({ header: headerName }),
        fc.record({ sourceAddress: fc.constant(true) }),
        fc.record({ header: headerName, sourceAddress: fc.constant(false) }),
      ),
      unit: fc.constantFrom("Second" as const, "Minute" as const, "Hour" as const),
    }),
    numbers(1, 1000),
  )
  .map(([what, rest, requests]) => ({ ...what, ...rest, requests }));
const cors = fc
  .tuple(
    fc.record({
      allowOrigins: fc.uniqueArray(
        fc.constantFrom(
          "*",
          "https://app.example.com",
          "https://*.example.com:8443",
          "vscode-webview://abc",
          "http://*",
        ),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    some({
      allowHeaders: fc.uniqueArray(fc.constantFrom("X-Extra", "accept", "Mcp-Param-Region"), { maxLength: 3 }),
      allowCredentials: fc.boolean(),
      maxAge: fc.constantFrom(0, 1, 86_400),
    }),
  )
  .map(([origins, rest]) => ({ ...origins, ...rest }));

const hostname = fc.constantFrom("mcp.example.com", "*.example.com", "basket", "b.example.com");
const parentRef = fc
  .tuple(
    fc.record({ name: label }),
    some({
      group: fc.constantFrom("gateway.networking.k8s.io"),
      kind: fc.constantFrom("Gateway", "ListenerSet"),
      namespace: label,
      sectionName: label,
      port: numbers(1, 65_535),
    }),
  )
  .map(([named, rest]) => ({ ...named, ...rest }));
/** Gateway API takes a parent once. */
const gateway = fc.record({
  parentRefs: fc.uniqueArray(parentRef, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
});
const ingress = fc
  .tuple(
    fc.record({ className: label }),
    some({
      tls: fc.array(some({ hosts: fc.uniqueArray(hostname, { maxLength: 2 }), secretName: label }), { maxLength: 2 }),
      annotations: fc.dictionary(fc.constantFrom("cert-manager.io/cluster-issuer", "example.com/a"), label, {
        noNullPrototype: true,
      }),
    }),
  )
  .map(([named, rest]) => ({ ...named, ...rest }));

const routingBy = (by: fc.Arbitrary<object>) =>
  fc
    .tuple(
      by,
      some({
        hostnames: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
        timeouts: some({ request: timeout, idle: timeout }),
        rateLimits: fc.array(rateLimit, { maxLength: 4 }),
        cors,
      }),
    )
    .map((parts) => Object.assign({}, ...parts) as NonNullable<SpecInput["routing"]>);
const byGateway = fc.record({ gateway });
export const routing = routingBy(fc.oneof(byGateway, fc.record({ ingress })));

const namedPools = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c", "a-1", "slow") }), {
  maxLength: 4,
  selector: ({ name }) => name,
});
/** Specs with a gateway, of which the routing is what matters: many names in few pools. */
export const routedSpec: fc.Arbitrary<SpecInput> = fc
  .tuple(
    fc.record({ image: fc.constant("basket"), routing: routingBy(byGateway) }),
    some({
      path: fc.constantFrom("/", "/mcp", "/v1/mcp"),
      pools: takingPools(namedPools, { tools: 60, prompts: 10, resourceUris: 10, methods: 4 }),
      canary: canaryShare.map((share) => ({ image: "basket:2", ...share })),
      legacy: fc.constant({}),
    }),
  )
  .map((parts) => Object.assign({}, ...parts) as SpecInput);
/** Another tool than those of `routedSpec`. */
export const otherTool = fc.stringMatching(/^[A-Z]{3,5}$/);

/** What clients send for a name: as it stands or encoded, whether it may stand like that or not. */
const sent = (name: string) =>
  fc.constantFrom(name, `=?base64?${Buffer.from(name, "utf8").toString("base64")}?=`, `=?base64?${name}?=`);

/** Blanks around a value are none of it (RFC 9110, section 5.5). */
const onTheWire = (headers: CallRequest["headers"]) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll(/^[ \t]+|[ \t]+$/g, "")]));

/** Requests that a server may get: of both eras, with what its spec names and with other things. */
export function requestTo({ path, pools = [], canary, routing: by }: Spec): fc.Arbitrary<CallRequest> {
  const names = pools.flatMap(({ tools = [], prompts = [], resourceUris = [] }) => [
    ...tools.map((name) => ["tools/call", name] as const),
    ...prompts.map((name) => ["prompts/get", name] as const),
    ...resourceUris.map((name) => ["resources/read", name] as const),
  ]);
  const limited = (by?.rateLimits ?? []).flatMap(({ tool }) =>
    tool === undefined ? [] : [["tools/call", tool] as const],
  );
  const known = [...names, ...limited];
  const methods = [
    ...pools.flatMap((pool) => pool.methods ?? []),
    ...(by?.rateLimits ?? []).flatMap((limit) => limit.method ?? []),
  ];
  const withName = (pair: readonly [string, string]) =>
    sent(pair[1]).map((value) => ({ "mcp-method": pair[0], "mcp-name": value }));
  const headers = fc.oneof(
    ...(known.length > 0 ? [{ weight: 6, arbitrary: fc.constantFrom(...known).chain(withName) }] : []),
    ...(methods.length > 0 ? [{ weight: 2, arbitrary: fc.record({ "mcp-method": fc.constantFrom(...methods) }) }] : []),
    { weight: 1, arbitrary: fc.tuple(method, anyName).chain(withName) },
    { weight: 1, arbitrary: fc.record({ "mcp-method": method }) },
    // A task's id; and a notification that the official client sends without its method.
    { weight: 1, arbitrary: fc.uuid().map((id) => ({ "mcp-method": "tasks/get", "mcp-name": id })) },
    { weight: 1, arbitrary: anyName.map((name) => ({ "mcp-name": name })) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
  const version = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ "mcp-protocol-version": "2026-07-28" }) },
    { weight: 1, arbitrary: fc.constant({ "mcp-protocol-version": "2025-11-25", "mcp-session-id": "1" }) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
  const trial = canary?.header
    ? fc.constantFrom(
        {},
        { [canary.header.name.toLowerCase()]: canary.header.value },
        { [canary.header.name.toLowerCase()]: "other" },
      )
    : fc.constant({});
  const paths = fc.oneof(
    { weight: 8, arbitrary: fc.constant(path) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("/", "/other", `${path}/more`, `/.well-known/oauth-protected-resource${path}`),
    },
  );
  return fc
    .tuple(paths, headers, version, trial)
    .map(([at, ...parts]) => ({ path: at, headers: onTheWire(Object.assign({}, ...parts)) }));
}
