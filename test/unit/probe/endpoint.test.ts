// An endpoint for telemetry is asked with an export of nothing; what it answers, real servers say.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { askEndpoint } from "../../../operator/probe/endpoint.ts";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listening(server: Server): Promise<string> {
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Seen {
  path: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A server that answers so, and what it was asked. */
async function answering(status: number): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      seen.push({ path: request.url, headers: request.headers, body });
      response.writeHead(status).end("{}");
    });
  });
  return { url: await listening(server), seen };
}

const http = (url: string, headers?: string) => askEndpoint({ url, protocol: "http/protobuf", headers });

describe("by HTTP", () => {
  test("one that takes it is told nothing but that there is nothing", async () => {
    const { url, seen } = await answering(200);
    expect(await http(`${url}/otlp/`, "authorization=Bearer%20x, tenant=shop")).toEqual({ ok: true });
    expect(seen).toMatchObject([
      { path: "/otlp/v1/traces", headers: { authorization: "Bearer x", tenant: "shop" }, body: '{"resourceSpans":[]}' },
    ]);
  });

  test.each([401, 404, 503])("one that answers %d refuses", async (status) => {
    const { url } = await answering(status);
    expect(await http(url)).toEqual({ ok: false, why: "refused", said: `HTTP ${status}` });
  });

  test("one that isn't there can't be reached", async () => {
    const server = createTcpServer();
    const url = await listening(server);
    await new Promise((closed) => server.close(closed));
    expect(await http(url)).toEqual({ ok: false, why: "unreachable", said: "ECONNREFUSED" });
  });
});

describe("by gRPC", () => {
  const grpc = (url: string) => askEndpoint({ url, protocol: "grpc", headers: undefined });

  test("one that takes connections is taken for one that takes telemetry", async () => {
    expect(await grpc(await listening(createTcpServer()))).toEqual({ ok: true });
  });

  test("one that isn't there can't be reached", async () => {
    const server = createTcpServer();
    const url = await listening(server);
    await new Promise((closed) => server.close(closed));
    expect(await grpc(url)).toEqual({ ok: false, why: "unreachable", said: "ECONNREFUSED" });
  });
});
