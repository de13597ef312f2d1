// A small HTTP server that speaks the API server's list and watch protocol, as a test scripts it.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { type Client, createClient } from "../../operator/kube/client.ts";

export interface Call {
  url: URL;
  headers: IncomingMessage["headers"];
  method: string;
  body: string;
}
export type Answer = (response: ServerResponse, call: Call) => void;

export interface FakeApiServer {
  client: Client;
  calls: Call[];
  /** Resolves when there have been so many calls. */
  called(count: number): Promise<void>;
  stop(): Promise<void>;
}

export const token = "a-very-secret-token";

const body = async (request: IncomingMessage) => {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
};

/** Answers the n-th call with the n-th answer, and all later ones with `otherwise`. */
export async function fakeApiServer(answers: Answer[], otherwise: Answer = hang): Promise<FakeApiServer> {
  const calls: Call[] = [];
  let waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const call = {
      url: new URL(request.url ?? "/", "http://localhost"),
      headers: request.headers,
      method: request.method ?? "",
      body: await body(request),
    };
    calls.push(call);
    const answer = answers[calls.length - 1] ?? otherwise;
    answer(response, call);
    for (const wake of waiting.splice(0)) wake();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true },
    { name: "u", token },
  );
  const client = createClient(config);
  return {
    client,
    calls,
    async called(count) {
      while (calls.length < count) await new Promise<void>((wake) => (waiting = [...waiting, wake]));
    },
    async stop() {
      await client.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Never answers. */
export function hang(): void {}

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
  };

/** An error as the API server has them. */
export const failure = (code: number, reason: string, headers: Record<string, string> = {}): Answer =>
  json({ kind: "Status", status: "Failure", code, reason, message: `${reason} happened` }, code, headers);

/** Lines of a watch; then the stream stays open, or ends, or breaks. */
export const stream =
  (lines: unknown[], then: "open" | "end" | "break" | { cut: string } = "open"): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
    if (then === "end") response.end();
    else if (then === "break") setImmediate(() => response.destroy());
    else if (then !== "open") response.end(then.cut);
  };

export const object = (name: string, resourceVersion: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name, namespace: "shop", uid: `uid-${name}`, resourceVersion, ...more },
});
export const list = (items: unknown[] | null, resourceVersion: string, next = "") =>
  json({ kind: "ThingList", metadata: { resourceVersion, continue: next }, items });
export const event = (type: string, value: unknown) => ({ type, object: value });
export const bookmark = (resourceVersion: string) => event("BOOKMARK", { metadata: { resourceVersion } });
