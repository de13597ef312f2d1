// Requests to an API server of ours, as its administrator: enough to see that it, its controllers and its nodes are ready, and
// to be a small part of the cluster.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { Pki } from "./pki.ts";

export interface ApiClient {
  /** The parsed answer; throws when the status isn't 200. */
  get: (path: string) => Promise<unknown>;
  /** The same for a request that changes something. That it is done already (409, or 404 for DELETE) is no error. */
  send: (method: "POST" | "DELETE", path: string, body?: object) => Promise<unknown>;
  close: () => void;
}

interface Sent {
  method: string;
  path: string;
  body?: object | undefined;
}

export function apiClient(pki: Pki, port: number): ApiClient {
  const read = (name: string) => readFileSync(pki.file(name));
  const agent = new Agent({ keepAlive: true, ca: read("ca.crt"), cert: read("admin.crt"), key: read("admin.key") });
  const call = async (sent: Sent, good: number[]) => {
    const { status, text } = await exchange({ agent, port, sent });
    if (!good.includes(status)) throw new Error(`${sent.method} ${sent.path}: ${status} ${text.slice(-300)}`);
    return text.startsWith("{") ? (JSON.parse(text) as unknown) : text;
  };
  return {
    get: (path) => call({ method: "GET", path }, [200]),
    send: (method, path, body) => call({ method, path, body }, method === "POST" ? [201, 409] : [200, 404]),
    close: () => agent.destroy(),
  };
}

function exchange({ agent, port, sent: { method, path, body } }: { agent: Agent; port: number; sent: Sent }) {
  const headers = { "content-type": "application/json" };
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request({ agent, host: "127.0.0.1", port, method, path, headers, timeout: 2000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asked.on("timeout", () => asked.destroy(new Error(`${path}: no answer`)));
    asked.on("error", reject);
    asked.end(body && JSON.stringify(body));
  });
}
