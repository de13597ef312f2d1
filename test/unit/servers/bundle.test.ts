// The programs as they are in images: one file each, without node_modules.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callFast } from "../../driver/calls.ts";
import { connect } from "../../driver/client.ts";
import { otlpSink } from "../../support/otlp-sink.ts";
import { basket, conformance, driver, startServer } from "./harness.ts";

// CommonJS dependencies call `require`, which an ES module doesn't have.
const banner = {
  js: 'import * as nodeModule from "node:module"; globalThis.require ??= nodeModule.createRequire(import.meta.url);',
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function bundle(entry: string, name: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    entryPoints: [entry],
    outfile,
    banner,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  return outfile;
}

test("the basket server works as one file, and tells OpenTelemetry of its calls", async () => {
  await using sink = await otlpSink();
  const otel = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
  const env = { POD_NAME: "bundled", MCP_TASK_STORE_URL: "postgresql://127.0.0.1:1/none", ...otel };
  await using server = await startServer(await bundle(basket, "basket.mjs"), env);
  await using caller = await connect(server.url, "fresh");
  expect(await callFast(caller.client)).toEqual({ pod: "bundled", version: "1.0.0" });
  expect(await server.stop()).toBe(0);
  expect(sink.spans).toMatchObject([{ name: "server/discover" }, { name: "tools/call price" }]);
});

test("driver, conformance suite and conformance server work as one file each", async () => {
  const suite = new URL("../../../node_modules/@modelcontextprotocol/conformance/", import.meta.url);
  const CONFORMANCE_CLI = await bundle(fileURLToPath(new URL("dist/index.js", suite)), "conformance/dist/index.mjs");
  await cp(new URL("requirements", suite), join(folder, "conformance/requirements"), { recursive: true });
  await using server = await startServer(await bundle(conformance, "server.mjs"));
  await using control = await startServer(await bundle(driver, "driver.mjs"), { CONTROL_PORT: "0", CONFORMANCE_CLI });
  const query = `upstreams=127.0.0.1:${server.port}&scenario=tools-list`;
  const answer = await fetch(`http://127.0.0.1:${control.port}/conformance?${query}`);
  expect(await answer.json()).toMatchObject({ passed: 1, total: 1 });
}, 20_000);
