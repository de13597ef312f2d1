// Both gateways take MCP calls to pools by their headers, through routes that are written by hand: the ground that anypod's
// own routes stand on.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basket, newBasket } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { type GatewayWorld, gatewayWorld, type Implementation, implementations } from "./support.ts";
import { answeredBy, base64Name, message, toolCall } from "./wire.ts";

let world: GatewayWorld;
beforeAll(async () => {
  world = await gatewayWorld();
  await Promise.all([world.serve("main", basket), world.serve("price", newBasket)]);
});
afterAll(() => world.end());

const path = { type: "PathPrefix", value: "/mcp" };
const priceNames = ["price", base64Name("price")];

/** Calls of the tool `price` go to the pool of that name, all others to the main one. */
const httpRoute = (hostname: string, parentRef: object) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: hostname },
  spec: {
    parentRefs: [parentRef],
    hostnames: [hostname],
    rules: [
      {
        matches: priceNames.map((value) => ({
          path,
          headers: [
            { name: "Mcp-Method", value: "tools/call" },
            { name: "Mcp-Name", value },
          ],
        })),
        backendRefs: [{ name: "price", port: 80 }],
      },
      { matches: [{ path }], backendRefs: [{ name: "main", port: 80 }] },
    ],
  },
});

const ingressRoute = (hostname: string) => {
  const all = `Host(\`${hostname}\`) && PathPrefix(\`/mcp\`)`;
  const names = priceNames.map((name) => `Header(\`Mcp-Name\`, \`${name}\`)`).join(" || ");
  const rule = (match: string, service: string) => ({ kind: "Rule", match, services: [{ name: service, port: 80 }] });
  return {
    apiVersion: "traefik.io/v1alpha1",
    kind: "IngressRoute",
    metadata: { name: hostname },
    spec: {
      entryPoints: ["web"],
      routes: [rule(`${all} && Header(\`Mcp-Method\`, \`tools/call\`) && (${names})`, "price"), rule(all, "main")],
    },
  };
};

/** Calls with the official client, and with requests of our own, and looks which pool answers. */
async function callsReachTheirPools(hostname: string, via: string): Promise<void> {
  const url = `http://${hostname}/mcp`;
  await eventually(`${url} answers`, async () => (await world.driver.calls(url, 1, via)).failed === 0);
  const tally = await world.driver.calls(url, 10, via);
  expect(tally).toMatchObject({ failed: 0, versions: { "1.1.0": 10 } });
  expect(Object.keys(tally.pods).join()).toMatch(/^price-/);

  const pod = async (request: ReturnType<typeof toolCall>) => answeredBy(await world.driver.send({ ...request, via }));
  expect(await pod(toolCall(url, "price", { item: "tea" }))).toMatch(/^price-/);
  expect(await pod(toolCall(url, "price", { item: "tea" }, { "Mcp-Name": base64Name("price") }))).toMatch(/^price-/);
  expect(await pod(toolCall(url, "create_basket", {}))).toMatch(/^main-/);
  expect(await pod(toolCall(url, "wétter", { city: "Ulm" }, { "Mcp-Name": base64Name("wétter") }))).toMatch(/^main-/);
  expect(await world.driver.send({ ...message(url, "tools/list"), via })).toMatchObject({ status: 200 });
}

describe.each(Object.keys(implementations) as Implementation[])("%s", (implementation) => {
  // Traefik's Gateways have their ports in common, and the routes of the file before may still be on their way out.
  const hostname = `${implementation.replace(" ", "-").toLowerCase()}.smoke.example.com`;
  let via: string;
  beforeAll(async () => {
    const { parentRef, address } = await world.gateway(implementation);
    via = address;
    await world.apply(httpRoute(hostname, parentRef));
    await world.routed(hostname);
  });

  test("takes calls to pools by the headers that an HTTPRoute names", () => callsReachTheirPools(hostname, via));

  test("hands a stream on part by part", async () => {
    const ask = message(`http://${hostname}/mcp`, "tools/call", {
      headers: { "Mcp-Name": "gift_wrap" },
      params: { name: "gift_wrap", arguments: { milliseconds: 1500 }, _meta: { progressToken: 1 } },
    });
    const answer = await eventually("a stream comes", async () => {
      const stream = await world.driver.send({ ...ask, via });
      return stream.status === 200 && stream;
    });
    expect(answer.complete).toBe(true);
    expect(answeredBy(answer)).toMatch(/^main-/);
    expect(answer.parts.at(-1)! - answer.parts[0]!).toBeGreaterThan(700);
  });

  test("has no answer for a host that no route names", async () => {
    const other = message("http://other.example.com/mcp", "tools/list");
    expect(await world.driver.send({ ...other, via })).toMatchObject({ status: 404 });
  });
});

test("Traefik takes calls to pools by the rules of an IngressRoute", async () => {
  const hostname = "ingress.example.com";
  await world.apply(ingressRoute(hostname));
  await callsReachTheirPools(hostname, await world.ingressAddress());
});
