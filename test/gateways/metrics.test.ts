// What Envoy Gateway tells of a server that tells nothing itself: examples/envoy-gateway/telemetry.yaml as it stands, but for
// its images.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collector } from "../support/collector-image.ts";
import { serviceAddress } from "../support/driver.ts";
import { conformance, basket as image } from "../support/images.ts";
import type { AnyObject } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { type GatewayWorld, gatewayWorld } from "./support.ts";
import { base64Name, message, toolCall } from "./wire.ts";

const name = "mcp-telemetry";
const file = new URL("../../examples/envoy-gateway/telemetry.yaml", import.meta.url);
const server = "silent";
const url = "http://metrics.example.com/mcp";
let world: GatewayWorld;
let via: string;
let metricsUrl: string;

beforeAll(async () => {
  world = await gatewayWorld();
  const objects = readFileSync(file, "utf8")
    .split(/^---$/m)
    .map((document) => load(document) as AnyObject);
  for (const { kind, spec } of objects) if (kind === "Deployment") spec.template.spec.containers[0].image = collector;
  const [proxy, ...others] = objects;
  await world.apply(...others);
  const [host] = (await serviceAddress(world.kube.client, world.kube.namespace, name)).split(":");
  metricsUrl = `http://${host}:8889/metrics`;
  const { parentRef, address } = await world.gatewayOf(proxy!);
  via = address;
  const routing = { hostnames: ["metrics.example.com"], gateway: { parentRefs: [parentRef] } };
  const pools = [
    { name: "prices", tools: ["price", "wétter"] },
    { name: "streams", image: conformance, methods: ["subscriptions/listen"] },
  ];
  await world.run(server, { image, replicas: 1, pools, routing }, 3);
  for (const request of [toolCall(url, "create_basket", {}), message(url, "tools/list")])
    await eventually("calls are answered", async () => (await send(request)).status === 200, 60);
});
afterAll(() => world.end());

const send = (request: ReturnType<typeof toolCall>) => world.driver.send({ ...request, via });

/** The counts of all series, by the labels that tell one from the other. */
async function counts(): Promise<Record<string, number>> {
  const { body } = await world.driver.send({ url: metricsUrl, method: "GET" });
  const lines = [...body.matchAll(/^mcp_gateway_operation_duration_seconds_count\{(.*)\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, labels = "", count]) => [labels, Number(count)]));
}

const series = (pool: string, status: number, method: string, { tool = "", error = "" } = {}) =>
  [
    `anypod_pool="${pool}"`,
    ...(error === "" ? [] : [`error_type="${error}"`]),
    ...(tool === "" ? [] : [`gen_ai_tool_name="${tool}"`]),
    `http_response_status_code="${status}"`,
    `mcp_method_name="${method}"`,
    `service_name="${server}"`,
    `service_namespace="${world.kube.namespace}"`,
  ].join();

test("calls are counted by server, pool, method, tool and status, however a name is written", async () => {
  const calls = [
    ...Array.from({ length: 5 }, () => toolCall(url, "price", { item: "tea" })),
    ...Array.from({ length: 2 }, () => toolCall(url, "price", { item: "tea" }, { "Mcp-Name": base64Name("price") })),
    ...Array.from({ length: 3 }, () => toolCall(url, "wétter", { city: "Ulm" }, { "Mcp-Name": base64Name("wétter") })),
    // HTTP tells no failure of these two.
    toolCall(url, "show_basket", { basket_id: "nothing" }),
    toolCall(url, "no-such-tool", {}),
    // And of this one it does: its header and its body differ.
    toolCall(url, "create_basket", {}, { "Mcp-Name": "add_item" }),
    message(url, "tasks/get", { headers: { "Mcp-Name": "id-1" }, params: { taskId: "id-1" } }),
  ];
  for (const call of calls) await send(call);
  const slow = message(url, "tools/call", {
    headers: { "Mcp-Name": "gift_wrap" },
    params: { name: "gift_wrap", arguments: { milliseconds: 20_000 }, _meta: { progressToken: 1 } },
  });
  await world.driver.send({ ...slow, via, leave: true });
  const listen = message(url, "subscriptions/listen", { params: { notifications: { toolsListChanged: true } } });
  expect(await world.driver.send({ ...listen, via, leave: true })).toMatchObject({ status: 200 });

  // Those that looked whether the server answers yet.
  const first = [
    series("main", 200, "tools/call", { tool: "create_basket" }),
    series("main", 200, "tools/list"),
  ] as const;
  const expected = {
    [series("prices", 200, "tools/call", { tool: "price" })]: 7,
    [series("prices", 200, "tools/call", { tool: "wétter" })]: 3,
    [series("main", 200, "tools/call", { tool: "show_basket" })]: 1,
    [series("main", 200, "tools/call", { tool: "no-such-tool" })]: 1,
    [series("main", 400, "tools/call", { tool: "add_item", error: "400" })]: 1,
    [series("main", 400, "tasks/get", { error: "400" })]: 1,
    [series("main", 200, "tools/call", { tool: "gift_wrap", error: "cancelled" })]: 1,
    [series("streams", 200, "subscriptions/listen")]: 1,
  };
  await eventually("all is counted", async () => {
    const { [first[0]]: _, [first[1]]: __, ...counted } = await counts();
    expect(counted).toEqual(expected);
    return true;
  });
});
