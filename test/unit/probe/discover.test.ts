// server/discover, asked of a real HTTP server, and what becomes of a server's verdict.
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { discover, tasksExtension } from "../../../operator/probe/discover.ts";

let close = () => {};
afterEach(() => close());

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () => server.close().closeAllConnections();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}
const answering =
  (body: string, type = "application/json", status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { "content-type": type }).end(body);

const reply = (extensions: object) =>
  JSON.stringify({ jsonrpc: "2.0", id: "anypod", result: { capabilities: { tools: {}, extensions } } });
const notification = JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: {} });

describe("pods that answer", () => {
  test.each<[string, RequestListener, string[]]>([
    ["with extensions", answering(reply({ [tasksExtension]: {}, "a.example/x": {} })), ["a.example/x", tasksExtension]],
    ["without any", answering(reply({})), []],
    [
      "in a stream",
      answering(`event: message\ndata: ${reply({ [tasksExtension]: {} })}\n\n`, "text/event-stream"),
      [tasksExtension],
    ],
    [
      "in a stream, after an empty event and a notification",
      answering(
        `id: 1\ndata: \n\ndata: ${notification}\n\ndata: ${reply({ [tasksExtension]: {} })}\n\n`,
        "text/event-stream",
      ),
      [tasksExtension],
    ],
    [
      "that they don't know the method",
      answering('{"jsonrpc":"2.0","id":"anypod","error":{"code":-32601}}', undefined, 404),
      [],
    ],
    ["in no language that MCP speaks", answering("<html>not here</html>", "text/html", 404), []],
  ])("%s", async (_, listener, extensions) => {
    expect(await discover(await serving(listener))).toEqual({ extensions });
  });

  test("are asked as the protocol has it", async () => {
    const asked = Promise.withResolvers<{ request: IncomingMessage; body: string }>();
    const url = await serving((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text) => (body += text));
      request.on("end", () => {
        asked.resolve({ request, body });
        response.end(reply({}));
      });
    });
    await discover(url);
    const { request, body } = await asked.promise;
    expect(request).toMatchObject({
      method: "POST",
      url: "/mcp",
      headers: {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "server/discover",
        accept: "application/json, text/event-stream",
      },
    });
    expect(JSON.parse(body)).toMatchObject({
      jsonrpc: "2.0",
      method: "server/discover",
      params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } },
    });
  });
});

describe("no answer is", () => {
  test.each([429, 500, 502, 503])("status %d, whatever the body says", async (status) => {
    expect(await discover(await serving(answering(reply({}), undefined, status)))).toBe("no answer");
  });

  test("nobody who listens", async () => {
    const url = await serving(answering(""));
    close();
    expect(await discover(url)).toBe("no answer");
  });

  test("a connection that breaks off", async () => {
    expect(await discover(await serving((request) => void request.socket.destroy()))).toBe("no answer");
  });
});
