// Which calls go where, said without the words of any gateway: every dialect renders this one table.
import type { McpServer } from "../../api/mcpserver.ts";
import { canaryPool, legacyPool, mainPool } from "../../api/pool.ts";
import { modernVersion, type Taking } from "../../api/routing.ts";
import { poolsOf } from "../pool.ts";
import { servicePort } from "../service.ts";

/** A header with one of these values. Names are case-insensitive, values are not. */
export interface HeaderMatch {
  name: string;
  values: string[];
}

export interface Backend {
  pool: string;
  service: string;
  port: number;
  /** Share of the rule's calls; the shares of a rule add up to 100. */
  weight: number;
}

export interface Rule {
  /** The pool that the rule is there for. */
  pool: string;
  /** The exact path. */
  path: string;
  /** The request must match each; none: all requests on the path. Names are plain here: see `headerValues`. */
  headers: HeaderMatch[];
  to: Backend[];
  /** Answers that go on until the client leaves, as those of `subscriptions/listen`. */
  endless: boolean;
}

export const versionHeader = "MCP-Protocol-Version";
export const methodHeader = "Mcp-Method";
export const nameHeader = "Mcp-Name";
const listen = "subscriptions/listen";

const methodOf: Record<Exclude<Taking, "methods">, string> = {
  tools: "tools/call",
  prompts: "prompts/get",
  resourceUris: "resources/read",
};

/** Where clients look for the server's authorization servers (RFC 9728, section 3.1: the path is inserted). */
const metadataPath = (path: string) => `/.well-known/oauth-protected-resource${path === "/" ? "" : path}`;

const method = (...values: string[]): HeaderMatch => ({ name: methodHeader, values });

/** The rules of one pool of the user's: names before methods. */
function rulesOfPool(taker: { [field in Taking]?: string[] | undefined }) {
  const byName = (Object.keys(methodOf) as (keyof typeof methodOf)[]).flatMap((field) =>
    taker[field] ? [[method(methodOf[field]), { name: nameHeader, values: taker[field] }]] : [],
  );
  const methods = taker.methods ?? [];
  const others = methods.filter((each) => each !== listen);
  const byMethod = [
    ...(others.length > 0 ? [[method(...others)]] : []),
    ...(methods.includes(listen) ? [[method(listen)]] : []),
  ];
  return [...byName, ...byMethod];
}

/**
 * The rules of a server, the most specific first: the first that fits is the one that counts. To who counts headers
 * instead, give them as `byCount` has them.
 * @param takesCalls the pools that may be sent calls; those of another pool go to the main one meanwhile
 * @param withIdle names backends without a share, too, for gateways that must know them before they have one
 */
export function routeTable(server: McpServer, takesCalls: ReadonlySet<string>, withIdle = false): Rule[] {
  const { spec } = server;
  const services = new Map(poolsOf(server).map(({ name, objectName }) => [name, objectName]));
  const takes = (pool: string) => services.has(pool) && takesCalls.has(pool);
  const backend = (pool: string, weight = 100): Backend => ({
    pool,
    service: services.get(pool) ?? "",
    port: servicePort,
    weight,
  });

  const hasLegacy = takes(legacyPool);
  const modern: HeaderMatch[] = hasLegacy ? [{ name: versionHeader, values: [modernVersion] }] : [];
  const rule = (pool: string, headers: HeaderMatch[], to = [backend(pool)]): Rule => ({
    pool,
    path: spec.path,
    headers: [...modern, ...headers],
    to,
    endless: headers.some(({ name, values }) => name === methodHeader && values.includes(listen)),
  });

  const canary = takes(canaryPool) ? spec.canary : undefined;
  const weight = canary?.weight ?? 0;
  const sharing = canary ? [backend(mainPool, 100 - weight), backend(canaryPool, weight)] : [backend(mainPool)];
  const shared = sharing.filter((each) => withIdle || each.weight > 0);
  const canaryHeader = canary?.header ? [{ name: canary.header.name, values: [canary.header.value] }] : [];
  const taken = (spec.pools ?? []).filter(({ name }) => takes(name));
  const rules = [
    ...taken.flatMap((pool) => rulesOfPool(pool).map((headers) => rule(pool.name, headers))),
    ...(taken.some(({ methods }) => methods?.includes(listen))
      ? []
      : [
          ...canaryHeader.map((header) => rule(canaryPool, [method(listen), header])),
          rule(mainPool, [method(listen)], shared),
        ]),
    ...canaryHeader.map((header) => rule(canaryPool, [header])),
    rule(mainPool, [], shared),
    ...(hasLegacy ? [{ ...rule(legacyPool, []), headers: [] }] : []),
    { ...rule(mainPool, []), path: metadataPath(spec.path), headers: [] },
  ];
  return rules.toSorted((a, b) => b.headers.length - a.headers.length);
}
