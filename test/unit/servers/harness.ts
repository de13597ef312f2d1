// Servers as processes of this machine, and a TCP balancer in front of them that does what a Service does.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
export const basket = file("examples/basket/server.ts");
export const conformance = file("test/conformance-server/server.ts");

export const driver = file("test/driver/main.ts");

export type LogLine = Readonly<Record<string, unknown>>;

export interface Running extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly log: readonly LogLine[];
  readonly stderr: () => string;
  readonly process: ChildProcess;
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** A key as MCP_REQUEST_STATE_KEY wants it. */
export const newKey = () => randomBytes(32).toString("base64");

/** Starts a server on a free port and waits until it listens. Rejects with its last log line when it ends before that. */
export async function startServer(entry: string, env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [entry], {
    env: { PATH: process.env.PATH, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const log: LogLine[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error(`the server ended: ${JSON.stringify(log.at(-1))} ${stderr}`)));
    let unread = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = `${unread}${chunk.toString()}`.split("\n");
      unread = lines.pop() ?? "";
      log.push(...lines.map((line) => JSON.parse(line) as LogLine));
      const listening = log.find(({ msg }) => msg === "listening");
      if (listening !== undefined) resolve(Number(listening.port));
    });
  });
  const exit = once(child, "close").then(([code]) => code as number | null);
  const stop = () => {
    child.kill("SIGTERM");
    return exit;
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await exit;
  };
  const url = `http://127.0.0.1:${port}/mcp`;
  return { port, url, log, stderr: () => stderr, process: child, stop, [Symbol.asyncDispose]: kill };
}

/** Several servers at once; all of them end with the group. */
export async function startServers(entry: string, environments: readonly Record<string, string>[]) {
  await using starting = new AsyncDisposableStack();
  const servers = await Promise.all(environments.map(async (env) => starting.use(await startServer(entry, env))));
  const group = starting.move();
  return { servers, [Symbol.asyncDispose]: () => group.disposeAsync() };
}

export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** The ports that new connections go to, in turn. Connections that exist stay where they are, as with kube-proxy. */
  readonly ports: number[];
}

export async function startBalancer(ports: number[]): Promise<Balancer> {
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: ports[turn++ % ports.length]!, host: "127.0.0.1", allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => open.delete(from));
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const close = async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/mcp`, ports, [Symbol.asyncDispose]: close };
}

/** Resolves when `isTrue`; rejects after `limitMs`. */
export async function waitFor(what: string, isTrue: () => boolean, limitMs = 10_000): Promise<void> {
  const start = Date.now();
  while (!isTrue()) {
    if (Date.now() - start > limitMs) throw new Error(`waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
