// Each call reaches its pool through real gateways, by routes that anypod has made.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../driver/send.ts";
import type { Exchange } from "../driver/watched.ts";
import { conformance } from "../support/images.ts";
import { nameOf } from "../support/routing/meaning.ts";
import { eventually } from "../support/wait.ts";
import {
  astray,
  cancelled,
  checkOutTooOften,
  namedTools,
  type Routed,
  routedServer,
  specOf,
  storeObjects,
  traefikAddress,
  traefikReloads,
} from "./routed.ts";
import { type GatewayWorld, gatewayWorld, type Implementation, implementations, type TestGateway } from "./support.ts";
import { base64Name, message, toolCall } from "./wire.ts";

/**
 * Above Traefik's time-out of 60 s twice, and above 3 minutes. Envoy's own idle time is 5 minutes, so 610 here shows that a
 * stream survives it twice: too long for every run.
 */
const silence = Number(process.env.ANYPOD_TEST_SILENCE_SECONDS || 185) * 1000;
const names = Object.keys(implementations) as Implementation[];
const hostnameOf = (implementation: string) => `${implementation.replace(" ", "-").toLowerCase()}.example.com`;
const serverNames = { "Envoy Gateway": "by-envoy", Traefik: "by-traefik" };

interface Behind extends Routed {
  gateway: TestGateway;
  /** A call and a stream without a word in between, begun before all else. */
  silentCall: Promise<Answer>;
  silentStream: Promise<Answer>;
}

let world: GatewayWorld;
const behind = {} as Record<Implementation, Behind>;
beforeAll(async () => {
  world = await gatewayWorld();
  await world.apply(...storeObjects);
  await Promise.all(names.map(runBehind));
});
afterAll(() => world.end());

async function runBehind(implementation: Implementation): Promise<void> {
  const gateway = await world.gateway(implementation);
  const spec = specOf(hostnameOf(implementation), { gateway: { parentRefs: [gateway.parentRef] } });
  const routed = await routedServer(world, { name: serverNames[implementation], spec, via: gateway.address });
  const timeout = silence + 20_000;
  const silentCall = routed.send({ ...toolCall(routed.url, "think", { milliseconds: silence }), timeout });
  const silentStream = routed.send({ ...stream(routed.url, silence), timeout });
  // Looked at in the last test.
  for (const answer of [silentCall, silentStream]) answer.catch(() => undefined);
  behind[implementation] = { ...routed, gateway, silentCall, silentStream };
}

/** A call that is answered by an event at once, and by its end after a while. */
const stream = (url: string, milliseconds: number, headers = {}) =>
  message(url, "tools/call", {
    headers: { "Mcp-Name": "begin", ...headers },
    params: { name: "begin", arguments: { milliseconds }, _meta: { progressToken: 1 } },
  });

/** Where the ports are that a Gateway's listeners name: Traefik's are those of its pods, not of the Service in front of them. */
const listeningAt = async (implementation: Implementation) =>
  implementation === "Traefik" ? traefikAddress(world) : behind[implementation].via;

/** When the first event was sent, by the clock that all pods share. */
const sentAt = ({ body }: Answer) => Number(/"progress":(\d+)/.exec(body)?.[1]);

describe.each(names)("%s", (implementation) => {
  let server: Behind;
  beforeAll(() => {
    server = behind[implementation];
  });
  const poolsOf = (exchanges: Exchange[]) =>
    exchanges.map((each) => [each.method, nameOf(each.name), server.pool(each)]);
  const condition = (type: string, status: "True" | "False") => world.kube.condition(server.name, type, { status });

  test("the official client finds each method, tool, prompt and resource at its pool", async () => {
    const call = (method: string, params = {}) => ({ method, params });
    const { url, via } = server;
    const exchanges = await world.driver.walk({
      url,
      via,
      steps: [
        ...namedTools.map((name) => call("tools/call", { name })),
        ...["unpooled", "test_simple_text"].map((name) => call("tools/call", { name })),
        call("tools/list"),
        call("prompts/list"),
        call("prompts/get", { name: "test_simple_prompt" }),
        call("prompts/get", { name: "test_prompt_with_image" }),
        call("resources/list"),
        call("resources/templates/list"),
        call("resources/read", { uri: "test://static-text" }),
        call("resources/read", { uri: "test://static-binary" }),
        call("completion/complete", {
          ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
          argument: { name: "arg1", value: "te" },
        }),
        call("subscriptions/listen"),
      ],
    });
    expect(poolsOf(exchanges)).toEqual([
      ["server/discover", undefined, "main"],
      ...namedTools.map((name) => ["tools/call", name, "named"]),
      ...["unpooled", "test_simple_text"].map((name) => ["tools/call", name, "main"]),
      ["tools/list", undefined, "methods"],
      ["prompts/list", undefined, "main"],
      ["prompts/get", "test_simple_prompt", "named"],
      ["prompts/get", "test_prompt_with_image", "methods"],
      ["resources/list", undefined, "main"],
      ["resources/templates/list", undefined, "main"],
      ["resources/read", "test://static-text", "named"],
      ["resources/read", "test://static-binary", "main"],
      ["completion/complete", undefined, "methods"],
      ["subscriptions/listen", undefined, "methods"],
      ["notifications/cancelled", undefined, "main"],
    ]);
    expect(exchanges.at(-1)).toMatchObject({ status: 202 });
    expect(exchanges.at(-1)).not.toHaveProperty("said");
  });

  test("a name that a client encodes without need is the same name, and an unknown one goes to the main pool", async () => {
    const pool = async (name: string, header: string) =>
      server.pool(await server.send(toolCall(server.url, name, {}, { "Mcp-Name": header })));
    for (const name of namedTools) expect(await pool(name, base64Name(name)), name).toBe("named");
    expect(await pool("nobody", "nobody")).toBe("main");
    expect(await pool("nobody", base64Name("nobody"))).toBe("main");
  });

  test("random requests go where the spec says", async () => {
    const seed = Date.now() % 2 ** 31;
    expect(await astray(world, server, seed), `seed ${seed}`).toEqual([]);
  });

  test("notifications/cancelled goes to the main pool, with and without its method in a header", async () => {
    for (const headers of [{}, { "Mcp-Method": undefined }]) {
      const answer = await server.send(cancelled(server.url, headers));
      expect(answer).toMatchObject({ status: 202 });
      expect(server.pool(answer)).toBe("main");
    }
  });

  test("a task of a pool's tool is polled at the main pool", async () => {
    const { url, via } = server;
    const args = { seconds: 1, label: "tea" };
    const { result, exchanges } = await world.driver.task({ url, via, tool: "slow_compute", args });
    expect(result).toMatchObject({ content: [{ text: "Computed tea" }] });
    const [begun, ...polls] = exchanges.map((each) => [each.method, server.pool(each)]);
    expect(begun).toEqual(["tools/call", "named"]);
    expect(polls.length).toBeGreaterThan(0);
    expect(polls).toEqual(polls.map(() => ["tasks/get", "main"]));
  });

  test("an event arrives within 50 ms, and the pod learns within a second that its client has gone", async () => {
    const seen: { late: number; learned: number }[] = [];
    for (const id of ["1", "2", "3", "4", "5"]) {
      const answer = await server.send({ ...stream(server.url, 30_000, { "X-Call": id }), leave: true });
      const at = `http://${server.address(String(answer.headers["x-pod"]))}:8080/left`;
      const left = await eventually(`the pod knows that call ${id} was left`, async () => {
        const { body } = await world.driver.send({ url: at, method: "GET" });
        return JSON.parse(body)[id] as number | undefined;
      });
      seen.push({ late: answer.began + answer.parts[0]! - sentAt(answer), learned: left - answer.ended });
    }
    console.log(`${implementation}: first events, and clients that left, in ms: ${JSON.stringify(seen)}`);
    // The best of five: other things run on this machine, too.
    expect(Math.min(...seen.map(({ late }) => late))).toBeLessThanOrEqual(50);
    expect(Math.max(...seen.map(({ learned }) => learned))).toBeLessThanOrEqual(1000);
  });

  test("a client of 2025-11-25 with a session and one of 2026-07-28 are served under one hostname", async () => {
    const { url, via } = server;
    const count = { method: "tools/call", params: { name: "count" } };
    const [old, recent] = await Promise.all([
      world.driver.walk({ url, via, era: "legacy", steps: [count, count, count] }),
      world.driver.walk({ url, via, steps: [{ method: "tools/call", params: { name: "unpooled" } }] }),
    ]);
    expect(old.map((each) => server.pool(each))).toEqual(old.map(() => "legacy"));
    const counted = old.filter(({ method }) => method === "tools/call").map(({ body }) => JSON.parse(body!).result);
    expect(counted.map(({ content }) => content[0].text)).toEqual(["1", "2", "3"]);
    expect(poolsOf(recent)).toEqual([
      ["server/discover", undefined, "main"],
      ["tools/call", "unpooled", "main"],
    ]);
  });

  test("the 61st call of checkout in a minute is refused, and tools/list is not", { timeout: 180_000 }, async () => {
    const resets = async () => (implementation === "Traefik" ? traefikReloads(world) : 0);
    const { pools, most } = await checkOutTooOften(world, server, resets);
    expect(pools.length).toBeGreaterThanOrEqual(60);
    expect(pools.length).toBeLessThanOrEqual(most);
    expect(pools).toEqual(pools.map(() => "named"));
    expect(await server.send(message(server.url, "tools/list"))).toMatchObject({ status: 200 });
  });

  test("the status says that all is in force, and where the server answers", async () => {
    await condition("Routed", "True");
    await condition("HeaderRouting", "True");
    await condition("RoutingSupported", "True");
    const { status } = await world.kube.server(server.name);
    const { hostname, port, pathname } = new URL(status?.url ?? "");
    expect(hostname + pathname).toBe(server.url.replace("http://", ""));
    expect(Number(port || 80)).toBe(implementations[implementation].httpPort);
    const answer = await world.driver.send({
      ...toolCall(status?.url ?? "", "price", {}),
      via: await listeningAt(implementation),
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(server.pool(answer)).toBe("named");
  });
});

test("the official conformance suite passes through both gateways, over two pools and the main one", async () => {
  const spec = {
    image: conformance,
    replicas: 3,
    pools: [
      {
        name: "asks",
        replicas: 2,
        tools: ["elicitation", "sampling", "list_roots", "request_state", "multiple_inputs", "multi_round"].map(
          (what) => `test_input_required_result_${what}`,
        ),
        prompts: ["test_input_required_result_prompt"],
      },
      { name: "methods", replicas: 1, methods: ["tools/list", "prompts/list", "resources/read"] },
    ],
    routing: {
      hostnames: ["localhost"],
      gateway: { parentRefs: names.map((name) => behind[name].gateway.parentRef) },
      rateLimits: [{ requests: 10_000 }],
    },
  };
  await world.kube.applyServer("conformance", spec);
  await world.pods("conformance", 6);
  await world.kube.condition("conformance", "Routed", { status: "True" }, 60);
  const { message: lacks } = await world.kube.condition("conformance", "RoutingSupported", { status: "False" });
  expect(lacks).toMatch(/spec.routing.rateLimits: /);
  for (const name of names) {
    const { via } = behind[name];
    await eventually(`${name} answers`, async () => {
      const answer = await world.driver.send({ ...message("http://localhost/mcp", "tools/list"), via });
      return answer.status === 200;
    });
    const { scenarios, passed, total } = await world.driver.conformance([`${via}:80`]);
    expect(scenarios.filter((scenario) => !scenario.passed)).toEqual([]);
    expect({ passed, total }).toEqual({ passed: 37, total: 37 });
  }
});

test("Envoy Gateway cuts a stream that is silent for longer than spec.routing.timeouts.idle", async () => {
  const { gateway, via } = behind["Envoy Gateway"];
  const { rateLimits: _, ...routing } = specOf("brief.example.com", {
    gateway: { parentRefs: [gateway.parentRef] },
    timeouts: { idle: "2s" },
  }).routing!;
  const brief = await routedServer(world, {
    name: "brief",
    spec: { image: specOf("", {}).image, replicas: 1, routing },
    via,
  });
  const cut = await eventually("the time-out is in force", async () => {
    const answer = await brief.send(stream(brief.url, 20_000));
    return !answer.complete && answer;
  });
  expect(cut.ended - cut.began).toBeGreaterThan(1500);
  expect(cut.ended - cut.began).toBeLessThan(15_000);
});

test.each(names)("%s lets a call and a stream be silent for minutes", { timeout: silence + 60_000 }, async (name) => {
  const { silentCall, silentStream } = behind[name];
  for (const [answer, said] of [
    [await silentCall, "thought"],
    [await silentStream, "ended"],
  ] as const) {
    expect(answer).toMatchObject({ status: 200, complete: true });
    expect(answer.body).toContain(said);
    expect(answer.ended - answer.began).toBeGreaterThan(silence);
  }
});
