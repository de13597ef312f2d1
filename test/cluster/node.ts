// The provider that runs pods without Docker: a whole node in namespaces of its own. This half stays outside of them: it
// prepares, opens the namespaces, and cleans up what they don't take with them. node-inside.ts is the other half.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBinaries } from "./binaries.ts";
import { createCgroups, removeCgroups } from "./cgroups.ts";
import { namespacesFile } from "./end.ts";
import type { InsideNews, InsideOptions, InsideRequest } from "./node-inside.ts";
import { controlPlanePackages, ensurePackages, nodePackages } from "./packages.ts";
import { pauseImage } from "./pause-image.ts";
import { listenOnFreePort, portOf } from "./ports.ts";
import { type StartContext, tailOf } from "./processes.ts";
import type { Provider } from "./providers.ts";

const controlPlane = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];
const binaries = [...controlPlane, "kube-scheduler", "kubelet", "kube-proxy", "pause"];

export async function startNode(context: StartContext): Promise<Provider> {
  await ensurePackages(context, [...controlPlanePackages, ...nodePackages]);
  const binary = await ensureBinaries(context, binaries);
  const pauseArchive = await pauseImage(binary("pause"));
  context.signal.throwIfAborted();
  createCgroups(context.name);
  context.onEnd(() => removeCgroups(context.name));
  // A socket belongs to the network that it was made in: this one is the machine's, and the process inside accepts from it.
  const server = await listenOnFreePort();
  const paths = Object.fromEntries(binaries.map((name) => [name, binary(name)]));
  const options = { name: context.name, dir: context.dir, port: portOf(server), binaries: paths, pauseArchive };
  const inside = enterNamespaces(context, options);
  context.onEnd(() => endNamespaces(inside));
  inside.send({ forward: true } satisfies InsideRequest, server);
  server.close();
  await readiness(context, inside);
  const facts = {
    kubeconfig: join(context.dir, "kubeconfig"),
    kubectl: binary("kubectl"),
    auditLog: join(context.dir, "audit.log"),
  };
  return { facts, loadImage: (archive) => load(inside, archive), restartNode: () => restart(inside) };
}

/**
 * The shell is the first process of the process namespace: it takes in orphans, and when it ends, the kernel ends all others.
 * It ends with the Node process below it, and (--kill-child) with the process outside.
 */
function enterNamespaces(context: StartContext, options: InsideOptions): ChildProcess {
  const namespaces = ["--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child=SIGKILL", "--mount-proc"];
  const program = [process.execPath, join(import.meta.dirname, "node-inside.ts"), JSON.stringify(options)];
  const log = openSync(join(context.dir, "inside.log"), "a");
  const child = spawn("unshare", [...namespaces, "sh", "-c", '"$@"; exit', "anypod-node", ...program], {
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  writeFileSync(join(context.dir, namespacesFile), String(child.pid));
  return child;
}

/** Returns when everything inside has ended. */
async function endNamespaces(inside: ChildProcess): Promise<void> {
  if (inside.exitCode !== null || inside.signalCode !== null) return;
  const ended = once(inside, "exit");
  if (inside.connected) inside.send({ end: true } satisfies InsideRequest);
  else inside.kill("SIGKILL");
  const stuck = setTimeout(() => inside.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(stuck);
}

function readiness(context: StartContext, inside: ChildProcess): Promise<void> {
  const details = () => tailOf(join(context.dir, "inside.log"));
  return new Promise((resolve, reject) => {
    inside.on("error", reject);
    inside.on("exit", () => {
      const error = new Error(`the node has ended:\n${details()}`);
      if (!context.signal.aborted) context.log(error.message);
      reject(error);
    });
    context.signal.addEventListener("abort", () => reject(context.signal.reason));
    inside.on("message", (news: InsideNews) => {
      if ("log" in news) context.log(news.log);
      if ("failed" in news) reject(new Error(news.failed));
      if ("ready" in news) resolve();
    });
  });
}

/** Sends a request and returns with the news that answers it; rejects when that tells of an error. */
function asked(inside: ChildProcess, request: InsideRequest, isReply: (news: InsideNews) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = (news: InsideNews) => {
      if (!isReply(news)) return;
      inside.off("message", listen);
      if ("error" in news && news.error) reject(new Error(news.error));
      else resolve();
    };
    inside.on("message", listen);
    inside.send(request);
  });
}

const load = (inside: ChildProcess, archive: string) =>
  asked(inside, { load: archive }, (news) => "loaded" in news && news.loaded === archive);
const restart = (inside: ChildProcess) => asked(inside, { restart: true }, (news) => "restarted" in news);
