// Leaving without losing a call, under load and seen from one connection.
import { Agent, type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { connect } from "../../driver/client.ts";
import { startLoad } from "../../driver/load.ts";
import { basket, conformance, newKey, startBalancer, startServer, waitFor } from "./harness.ts";

test("restarting every server three times under load, kept-alive and fresh, JSON and SSE, loses no call", async () => {
  const ring = { MCP_REQUEST_STATE_KEY: newKey() };
  const env = (version: number) => ({ POD_NAME: `v${version}`, SERVER_VERSION: String(version), ...ring });
  await using all = new AsyncDisposableStack();
  const startVersion = async (version: number) => all.use(await startServer(basket, env(version)));
  const servers = await Promise.all([0, 1, 2].map(startVersion));
  await using balancer = await startBalancer(servers.map(({ port }) => port));
  const load = await startLoad(balancer.url, 8);
  const exits: Promise<number | null>[] = [];
  for (let version = 3; version < 12; version += 1) {
    const replacement = await startVersion(version);
    const leaving = servers[version - 3]!;
    servers.push(replacement);
    // What the endpoints do before SIGTERM: the new pod is in, the old one is out, its connections live on.
    balancer.ports.splice(balancer.ports.indexOf(leaving.port), 1, replacement.port);
    exits.push(leaving.stop());
    await waitFor("a call on the new server", () => (load.tally.pods[`v${version}`] ?? 0) > 0);
  }
  expect(await Promise.all(exits)).toEqual(Array(9).fill(0));
  const { calls, failed, errors, byKind } = await load.stop();
  expect(errors).toEqual([]);
  expect(failed).toBe(0);
  expect(calls).toBeGreaterThan(100);
  expect(Object.keys(byKind).sort()).toEqual(["fast-fresh", "fast-kept", "slow-fresh", "slow-kept"]);
}, 60_000);

test("the load does see a server that ends without draining", async () => {
  await using server = await startServer(basket, { DRAIN_SECONDS: "0" });
  await using other = await startServer(basket);
  await using balancer = await startBalancer([server.port]);
  const load = await startLoad(balancer.url, 8);
  await waitFor("calls in flight", () => load.tally.calls > 10);
  balancer.ports.splice(0, 1, other.port);
  expect(await server.stop()).toBe(1);
  const { failed, errors } = await load.stop();
  expect(failed).toBeGreaterThan(0);
  expect(errors.length).toBe(failed);
}, 40_000);

test("a kept-alive connection is answered while draining, with Connection: close, and readiness is 503", async () => {
  await using server = await startServer(basket);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const call = request({ port: server.port, path, agent }, (answer) => resolve(answer.resume()));
      call.on("error", reject).end();
    });
  const before = await get("/readyz");
  expect([before.statusCode, before.headers.connection]).toEqual([200, "keep-alive"]);
  const exit = server.stop();
  await waitFor("draining", () => server.log.some(({ msg }) => msg === "draining"));
  const after = await get("/readyz");
  expect([after.statusCode, after.headers.connection]).toEqual([503, "close"]);
  expect(await exit).toBe(0);
});

test("an open subscription is ended, not waited for", async () => {
  await using server = await startServer(conformance);
  await using caller = await connect(server.url, "kept");
  const { closed } = await caller.client.listen({ toolsListChanged: true });
  const start = Date.now();
  expect(await server.stop()).toBe(0);
  expect(await closed).toBe("graceful");
  expect(Date.now() - start).toBeLessThan(5000);
});

test("a second signal ends the process although a call is in flight", async () => {
  await using server = await startServer(basket);
  const load = await startLoad(server.url, 4);
  const exit = server.stop();
  await waitFor("draining", () => server.log.some(({ msg }) => msg === "draining"));
  server.process.kill("SIGTERM");
  expect(await exit).toBe(1);
  await load.stop();
});
