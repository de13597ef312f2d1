// GETs from a starting API server, as its administrator: enough to see that it, its controllers and its nodes are ready.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { Pki } from "./pki.ts";

export interface ApiClient {
  /** The parsed answer; throws when the status isn't 200. */
  get: (path: string) => Promise<unknown>;
  close: () => void;
}

export function apiClient(pki: Pki, port: number): ApiClient {
  const read = (name: string) => readFileSync(pki.file(name));
  const agent = new Agent({ keepAlive: true, ca: read("ca.crt"), cert: read("admin.crt"), key: read("admin.key") });
  return { get: (path) => get(agent, port, path), close: () => agent.destroy() };
}

function get(agent: Agent, port: number, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, host: "127.0.0.1", port, path, timeout: 2000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode} ${body.slice(-300)}`));
        else resolve(body.startsWith("{") ? JSON.parse(body) : body);
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`${path}: no answer`)));
    asked.on("error", reject);
    asked.end();
  });
}
