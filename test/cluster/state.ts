// Where a cluster keeps its files, and how another process talks to it: one JSON line each way over a Unix socket. A socket
// that refuses means that the cluster's supervisor is gone, whatever files it left.
import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { removeStaleLock } from "./lock.ts";

/** A running cluster, as its supervisor tells it. */
export interface ClusterFacts {
  name: string;
  provider: "existing" | "k3s" | "node" | "control-plane" | "fake-pods";
  /** Why this provider. */
  reason: string;
  kubeconfig: string;
  kubectl: string;
  auditLog?: string;
}

export type Request =
  | { do: "status" }
  | { do: "stop" }
  | { do: "load"; archive: string }
  /** See Cluster.restartNode. */
  | { do: "restart-node" };
/** No `facts` while it is still starting. */
export type Reply = { pid: number; facts?: ClusterFacts; error?: string };

/** The directory of the user's clusters; only the user may read it. */
function clustersDir(): string {
  const dir = join(tmpdir(), `anypod-${userInfo().uid}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

export function clusterDir(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name))
    throw new Error(`"${name}" can't name a cluster: use up to 20 lower-case letters, digits and "-"`);
  return join(clustersDir(), name);
}

/** The lock for starting a cluster of this name. */
export function startLock(name: string): string {
  return join(clustersDir(), `${name}.lock`);
}

/** Removes a cluster's files, and what a killed starter has left beside them. */
export function removeClusterDir(name: string): void {
  rmSync(clusterDir(name), { recursive: true, force: true, maxRetries: 5 });
  removeStaleLock(startLock(name));
  try {
    rmdirSync(clustersDir());
  } catch {
    // Other clusters are there.
  }
}

/** The names of clusters that have a directory: running ones, and ones whose supervisor was killed. */
export function clusterNames(): string[] {
  return readdirSync(clustersDir(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** Where built binaries and images stay. */
export function cacheDir(): string {
  const dir = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "anypod");
  mkdirSync(dir, { recursive: true });
  return dir;
}

const socketPath = (name: string) => join(clusterDir(name), "control.sock");

/** Asks the supervisor of `name`; undefined when there is none. */
export function ask(name: string, request: Request): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath(name));
    let received = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (text: string) => {
      received += text;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(error.code ?? "")) reject(error);
    });
    socket.on("close", () => resolve(received ? JSON.parse(received) : undefined));
  });
}

/** Answers other processes' requests about the cluster `name`. */
export function answerRequests(name: string, answer: (request: Request) => Promise<Reply>): Promise<Server> {
  const server = createServer((socket) => {
    const lines = createInterface({ input: socket });
    lines.on("error", () => socket.destroy());
    lines.once("line", (line) => void reply(socket, answer(JSON.parse(line))));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath(name), () => resolve(server));
  });
}

async function reply(socket: Socket, answer: Promise<Reply>): Promise<void> {
  const result = await answer.catch((error: Error): Reply => ({ pid: process.pid, error: error.message }));
  socket.end(`${JSON.stringify(result)}\n`);
}
