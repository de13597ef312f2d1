// The half of the node that runs inside its namespaces (see node.ts): starts every part in order, lets the machine reach the
// API server, and loads images. When it ends, the kernel ends everything else in the namespaces.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { killCgroups, removeCgroups } from "./cgroups.ts";
import { importImage, startContainerd } from "./containerd.ts";
import { startControlPlane } from "./control-plane.ts";
import { nodeName, nodeReady, startKubelet, startKubeProxy, startScheduler } from "./kubelet.ts";
import { createMounts, removeMounts } from "./mounts.ts";
import { createNetwork, nodeAddress } from "./network.ts";
import type { StartContext } from "./processes.ts";
import { provideVolumes } from "./volumes.ts";
import { messageOf } from "./wait.ts";

export interface InsideOptions {
  name: string;
  dir: string;
  /** The machine's port of 127.0.0.1 for the API server. */
  port: number;
  binaries: Record<string, string>;
  pauseArchive: string;
}

export type InsideRequest = { forward: true } | { load: string } | { restart: true } | { end: true };
export type InsideNews =
  | { log: string }
  | { ready: true }
  | { failed: string }
  | { loaded: string; error?: string }
  | { restarted: true; error?: string };

const apiPort = 6443;
const options: InsideOptions = JSON.parse(process.argv[2] ?? "");
const abort = new AbortController();
const cleanups: (() => Promise<void> | void)[] = [];
/** Kills what makes the node, and starts it again. */
let restart: (() => Promise<void>) | undefined;
const context: StartContext = {
  name: options.name,
  dir: options.dir,
  log: (line) => tell({ log: line }),
  signal: abort.signal,
  onEnd: (cleanup) => cleanups.push(cleanup),
};

process.on("message", (request: InsideRequest, handle?: Server) => {
  if ("forward" in request) handle?.on("connection", forward);
  if ("load" in request) void load(request.load);
  if ("restart" in request) void restarted();
  if ("end" in request) process.exit();
});
process.on("disconnect", () => void outliveSupervisor());

try {
  await start();
  tell({ ready: true });
} catch (error) {
  console.error(error);
  tell({ failed: messageOf(error) });
}

async function start(): Promise<void> {
  const binary = (name: string) => options.binaries[name] ?? name;
  await Promise.all([createMounts(context.dir), createNetwork()]);
  const containerd = startContainerd(context, options.pauseArchive);
  const { pki, client, ready } = await startControlPlane(context, {
    binary,
    ports: { api: apiPort, etcd: 2379, etcdPeer: 2380 },
    bind: "0.0.0.0",
    advertise: nodeAddress,
    auditLog: join(context.dir, "audit.log"),
  });
  // The kubelet ends at once when containerd isn't there yet.
  const runtime = await containerd;
  const node = { binary, pki, server: `https://127.0.0.1:${apiPort}` };
  const kubelet = await startKubelet(context, node);
  await ready;
  // Without their roles, which the API server has just written, these would first back off.
  const [proxy] = await Promise.all([
    startKubeProxy(context, node),
    startScheduler(context, node),
    nodeReady(context, kubelet, client),
    provideVolumes(client, { ...context, dir: join(context.dir, "data/volumes"), node: nodeName }),
  ]);
  let parts = [kubelet, proxy, runtime];
  restart = async () => {
    await Promise.all(parts.map(({ kill }) => kill()));
    killCgroups(context.name);
    killShims();
    const containerdAgain = await startContainerd(context, options.pauseArchive);
    const kubeletAgain = await startKubelet(context, node);
    parts = [kubeletAgain, await startKubeProxy(context, node), containerdAgain];
    await nodeReady(context, kubeletAgain, client);
  };
  const kubeconfig = join(context.dir, "kubeconfig");
  pki.kubeconfig({ path: kubeconfig, server: `https://127.0.0.1:${options.port}`, identity: "admin" });
  // CoreDNS, metrics-server and the like would be installed here.
}

function forward(outside: Socket): void {
  const inside = createConnection(apiPort, "127.0.0.1");
  for (const socket of [outside, inside]) socket.setNoDelay(true);
  outside.pipe(inside).pipe(outside);
  const end = () => {
    outside.destroy();
    inside.destroy();
  };
  for (const socket of [outside, inside]) socket.on("error", end).on("close", end);
}

async function load(archive: string): Promise<void> {
  try {
    await importImage(archive);
    tell({ loaded: archive });
  } catch (error) {
    tell({ loaded: archive, error: messageOf(error) });
  }
}

/** The parents of containers, which outlive containerd. All processes here are the node's. */
function killShims(): void {
  for (const pid of readdirSync("/proc")
    .map(Number)
    .filter((each) => each > 1)) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("containerd-shim")) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function restarted(): Promise<void> {
  try {
    if (!restart) throw new Error("the node hasn't started yet");
    await restart();
    tell({ restarted: true });
  } catch (error) {
    tell({ restarted: true, error: messageOf(error) });
  }
}

/** The supervisor was killed, so that its clean-up falls to this process. */
async function outliveSupervisor(): Promise<void> {
  try {
    abort.abort(new Error("the supervisor is gone"));
    for (const cleanup of cleanups.reverse()) await cleanup();
    killCgroups(options.name);
    await removeCgroups(options.name);
    await removeMounts(options.dir);
    rmSync(options.dir, { recursive: true, force: true });
  } finally {
    process.exit();
  }
}

function tell(news: InsideNews): void {
  if (process.connected) process.send?.(news, undefined, undefined, () => undefined);
}
