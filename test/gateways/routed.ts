// A server behind a gateway, with pools of all kinds, and questions to it.
import fc from "fast-check";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { traefik } from "../cluster/addons/traefik.ts";
import type { Answer, Sendable } from "../driver/send.ts";
import { serverOf } from "../support/arbitraries.ts";
import type { AnyObject } from "../support/kube.ts";
import { requestTo } from "../support/routing/arbitraries.ts";
import { type CallRequest, meaning, nameOf } from "../support/routing/meaning.ts";
import { redis } from "../support/store-images.ts";
import { eventually } from "../support/wait.ts";
import { modern, sessions } from "./servers/images.ts";
import type { GatewayWorld } from "./support.ts";
import { base64Name, message, type Otherwise, toolCall } from "./wire.ts";

/** Tools of the pool `named`, in several languages, and such as look like something else. */
export const namedTools = [
  "price",
  "Price",
  "tools/list",
  "wétter",
  "購入する",
  "👩‍👩‍👧‍👦 family",
  " begins with a blank",
  "ends with one ",
  "two  blanks",
  "a\ttab",
  "a`quote",
  "$(.*)[a|b]?+^{1}\\",
  "=?base64?Y2hlY2tvdXQ=?=",
  "=?base64?unfinished",
  "a, b",
];

/** A spec with each kind of pool, of which `checkout` may be called 60 times a minute. */
export const specOf = (hostname: string, routing: Partial<NonNullable<SpecInput["routing"]>>): SpecInput => ({
  image: modern,
  replicas: 1,
  env: [
    { name: "TOOLS", value: JSON.stringify([...namedTools, "checkout", "unpooled"]) },
    { name: "MCP_TASK_STORE_URL", value: "redis://store:6379" },
  ],
  pools: [
    {
      name: "named",
      // The SDK can't offer the last one, but calls of it come.
      tools: [...namedTools, "checkout", "slow_compute", "__proto__"],
      prompts: ["test_simple_prompt"],
      resourceUris: ["test://static-text"],
    },
    { name: "methods", methods: ["tools/list", "prompts/get", "completion/complete", "subscriptions/listen"] },
  ],
  legacy: { image: sessions },
  routing: { hostnames: [hostname], rateLimits: [{ tool: "checkout", requests: 60 }], ...routing },
});

/** A server that calls reach by its hostname. */
export interface Routed {
  name: string;
  url: string;
  /** Where the gateway is. */
  via: string;
  send(request: Sendable): Promise<Answer>;
  /** The pool of the pod that answered; undefined when no pod did. */
  pool(answer: { pod?: string; headers?: Answer["headers"] }): string | undefined;
  /** The IP address of a pod. */
  address(pod: string): string;
}

/** Applies a server, and waits until calls reach each of its pools. */
export async function routedServer(
  world: GatewayWorld,
  { name, spec, via }: { name: string; spec: SpecInput; via: string },
): Promise<Routed> {
  const [hostname] = spec.routing?.hostnames ?? [];
  const url = `http://${hostname}/mcp`;
  const expected = ["main", ...(spec.pools ?? []).map((pool) => pool.name), ...(spec.legacy ? ["legacy"] : [])];
  await world.kube.applyServer(name, spec);
  const pods = await world.pods(name, expected.length);
  const pools = new Map(pods.map(({ metadata }) => [metadata.name, metadata.labels?.["anypod.dev/pool"]]));
  const addresses = new Map(pods.map(({ metadata, status }) => [metadata.name, status.podIP as string]));
  const routed: Routed = {
    name,
    url,
    via,
    send: (request) => world.driver.send({ ...request, via }),
    pool: ({ pod, headers }) => pools.get(pod ?? String(headers?.["x-pod"])),
    address: (pod) => addresses.get(pod)!,
  };
  await eventually(`calls reach each pool of ${name}`, () => reachesAll(routed, expected), 60);
  return routed;
}

/** A call that each pool takes, as far as there is such a pool. */
const probes: Record<string, (url: string) => Sendable> = {
  main: (url) => toolCall(url, "unpooled", {}),
  named: (url) => toolCall(url, "price", {}),
  methods: (url) => message(url, "tools/list"),
  legacy: (url) => message(url, "tools/list", { headers: { "MCP-Protocol-Version": "2025-11-25" } }),
};

async function reachesAll(routed: Routed, pools: string[]): Promise<boolean> {
  const answers = await Promise.all(pools.map(async (pool) => routed.send(probes[pool]!(routed.url))));
  const reached = answers.map((answer) => routed.pool(answer));
  if (reached.every((pool, index) => pool === pools[index])) return true;
  throw new Error(`${reached.join()} instead of ${pools.join()}: ${JSON.stringify(answers).slice(0, 500)}`);
}

/** A request with these headers, and a body that every server refuses at once. */
const refused = (host: string, { path, headers }: CallRequest): Sendable => ({
  url: `http://${host}${path}`,
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
  body: "{}",
});

/** Without control characters and what isn't ASCII, and without what the budget of another test is for. */
const isSendable = ({ headers }: CallRequest) =>
  Object.values(headers).every((value) => /^[\t\x20-\x7e]*$/.test(value)) && nameOf(headers["mcp-name"]) !== "checkout";

/** Sends random requests; returns those that another pool than the spec says has answered, or that somebody has for nobody. */
export async function astray(world: GatewayWorld, routed: Routed, seed: number): Promise<object[]> {
  const { spec } = serverOf(routed.name, (await world.kube.server(routed.name)).spec);
  const { host } = new URL(routed.url);
  const requests = fc.sample(requestTo(spec).filter(isSendable), { numRuns: 150, seed });
  const answers = await world.driver.sendAll(
    requests.map((request) => ({ ...refused(host, request), via: routed.via })),
  );
  const takesCalls = new Set(["main", "legacy", ...(spec.pools ?? []).map(({ name }) => name)]);
  return requests.flatMap((request, index) => {
    const answer = answers[index]!;
    const [pool] = Object.keys(meaning(spec, takesCalls, request) ?? {});
    const isRight = routed.pool(answer) === pool && (pool !== undefined || answer.status === 404);
    return isRight ? [] : [{ request, pool, answer }];
  });
}

/** The pod of Traefik. */
export async function traefikAddress({ kube }: GatewayWorld): Promise<string> {
  const { items } = await kube.client.json<{ items: AnyObject[] }>({
    path: `/api/v1/namespaces/${traefik.namespace}/pods`,
  });
  return items.find(({ metadata }) => !metadata.deletionTimestamp)?.status.podIP;
}

/** How often Traefik has read its configuration: its limits forget what they have counted then. */
export async function traefikReloads(world: GatewayWorld): Promise<number> {
  const url = `http://${await traefikAddress(world)}:9100/metrics`;
  const { body } = await world.driver.send({ url, method: "GET" });
  return Number(/^traefik_config_reloads_total (\S+)$/m.exec(body)?.[1]);
}

const calls = 75;

/** Calls of `checkout` at once, more than a minute has, each second one with its name encoded. */
async function burst({ driver }: GatewayWorld, { url, via, pool }: Routed) {
  const { host } = new URL(url);
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
  const names = Array.from({ length: calls }, (_, index) => (index % 2 === 0 ? "checkout" : base64Name("checkout")));
  const requests = names.map((name) => refused(host, { path: "/mcp", headers: { ...headers, "mcp-name": name } }));
  const answers = await driver.sendAll(requests.map((request) => ({ ...request, via })));
  const began = Math.min(...answers.map((answer) => answer.began));
  const ended = Math.max(...answers.map((answer) => answer.ended));
  return {
    pools: answers.filter(({ status }) => status !== 429).map((answer) => pool(answer) ?? JSON.stringify(answer)),
    // Gateways add a call each second instead of sixty each minute.
    most: 60 + Math.floor((ended - began) / 1000),
  };
}

/**
 * Calls `checkout` more often than 60 times a minute; returns the pools that answered, and how many the limit may have let
 * through.
 * @param resets how often the gateway has forgotten what it has counted: then the limit says nothing, and all is done again
 */
export function checkOutTooOften(world: GatewayWorld, routed: Routed, resets: () => Promise<number>) {
  let full = 0;
  return eventually(
    "calls come between two configurations",
    async () => {
      if (Date.now() < full) return;
      const before = await resets();
      const outcome = await burst(world, routed);
      full = Date.now() + 61_000;
      return (await resets()) === before && outcome.most < calls && outcome;
    },
    150,
  );
}

/** The notification as the official client sends it: without Mcp-Method, and without an id. */
export function cancelled(url: string, headers: NonNullable<Otherwise["headers"]>): Sendable {
  const what = message(url, "notifications/cancelled", { headers, params: { requestId: 7 } });
  const { id: _, ...body } = JSON.parse(what.body!);
  return { ...what, body: JSON.stringify(body) };
}

const restricted = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };

/** The store that all pods share, and its Service. */
export const storeObjects = [
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "store", labels: { app: "store" } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "store",
          image: redis,
          command: ["redis-server", "--save", "", "--protected-mode", "no"],
          securityContext: restricted,
        },
      ],
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "store" },
    spec: { selector: { app: "store" }, ports: [{ port: 6379 }] },
  },
];
