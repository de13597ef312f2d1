// A real Kubernetes cluster for tests: start one, and get a kubeconfig. See providers.ts for where it comes from.
import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { endCluster, sweep } from "./end.ts";
import { existingCluster } from "./existing.ts";
import { withLock } from "./lock.ts";
import { chooseProvider, type Mode, type ProviderChoice } from "./providers.ts";
import { ask, type ClusterFacts, clusterDir, startLock } from "./state.ts";
import type { News, SupervisorOptions } from "./supervisor.ts";

export interface ClusterOptions {
  /** "pods": pods run. "control-plane": only objects, ready in a few seconds. "fake-pods": see kwok.ts. */
  mode: Mode;
  /** Clusters of different names may run at once. "default" unless told. */
  name?: string;
  /** Keeps the cluster when the calling process ends; `stop()` or `npm run cluster -- down` ends it. */
  keep?: boolean;
  log?: (line: string) => void;
  /** Ends the cluster while it is still starting. */
  signal?: AbortSignal;
}

export interface Cluster {
  name: string;
  provider: ClusterFacts["provider"];
  /** The path of an administrator's kubeconfig that works on this machine. */
  kubeconfig: string;
  /** The path of a kubectl. */
  kubectl: string;
  /** Makes the image of an archive (see image.ts) known to every node. */
  loadImage(archive: string): Promise<void>;
  /**
   * What a node's power failure does to pods, as far as can be had: all processes of pods, containerd, kubelet and kube-proxy
   * are killed at once, and the node comes back. What was written stays written, as the machine's memory isn't lost, and the
   * control plane runs elsewhere. Throws where the node isn't our own.
   */
  restartNode(): Promise<void>;
  /** The API server's audit log (see audit.ts), where we run the API server ourselves. */
  auditLog?: string;
  /** Ends the cluster, and returns when nothing of it is left. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster and returns when it takes pods (or, for "control-plane", objects). It ends with `stop()`, and by itself
 * when the calling process ends or is killed, unless `keep` is set. Throws when a cluster of that name already runs.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { mode, name = "default", keep = false, log = () => undefined } = options;
  const choice = await chooseProvider(mode);
  log(`cluster "${name}": ${choice.provider}, because ${choice.reason}`);
  if (choice.provider === "existing") return existingCluster(name, log);
  const supervisor = await startSupervisor(name, choice, log);
  const facts = await supervisor.ready(options.signal);
  await supervisor.release(keep);
  return clusterOf(facts, supervisor.gone);
}

/** A running cluster that another process has started; undefined when there is none of that name. */
export async function attachCluster(name = "default"): Promise<Cluster | undefined> {
  const reply = await ask(name, { do: "status" });
  return reply?.facts && clusterOf(reply.facts);
}

function clusterOf(facts: ClusterFacts, gone?: () => Promise<void>): Cluster {
  const { reason: _, ...known } = facts;
  const { name } = known;
  return {
    ...known,
    async loadImage(archive) {
      const reply = await ask(name, { do: "load", archive });
      if (!reply?.facts)
        throw new Error(`${archive} was not loaded: ${reply?.error ?? `the cluster "${name}" doesn't run`}`);
    },
    async restartNode() {
      const reply = await ask(name, { do: "restart-node" });
      if (!reply?.facts) throw new Error(reply?.error ?? `the cluster "${name}" doesn't run`);
    },
    async stop() {
      await endCluster(name);
      await gone?.();
    },
  };
}

interface Supervisor {
  ready: (signal?: AbortSignal) => Promise<ClusterFacts>;
  release: (keep: boolean) => Promise<void>;
  gone: () => Promise<void>;
}

async function startSupervisor(name: string, choice: ProviderChoice, log: (line: string) => void): Promise<Supervisor> {
  const dir = clusterDir(name);
  return withLock({ path: startLock(name) }, async () => {
    if (await ask(name, { do: "status" }))
      throw new Error(
        `a cluster "${name}" already runs: end it with "npm run cluster -- down --name ${name}", or use another name`,
      );
    await sweep(name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const supervisor = forkSupervisor(dir, { name, choice }, log);
    await supervisor.listening;
    return supervisor;
  });
}

function forkSupervisor(dir: string, options: SupervisorOptions, log: (line: string) => void) {
  const logFile = openSync(join(dir, "supervisor.log"), "a");
  const child = fork(join(import.meta.dirname, "supervisor.ts"), [JSON.stringify(options)], {
    detached: true,
    execArgv: [],
    stdio: ["ignore", logFile, logFile, "ipc"],
  });
  closeSync(logFile);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const died = exited.then(() => Promise.reject(new Error(`the cluster "${options.name}" ended while it started`)));
  const news = Promise.withResolvers<ClusterFacts>();
  const listening = Promise.withResolvers<void>();
  child.on("message", (message: News) => {
    if ("log" in message) log(message.log);
    if ("listening" in message) listening.resolve();
    if ("ready" in message) news.resolve(message.ready);
    if ("failed" in message) news.reject(new Error(message.failed));
  });
  child.on("error", news.reject);
  const settled = Promise.race([news.promise, died]);
  settled.catch(() => undefined);
  return {
    listening: Promise.race([listening.promise, died]),
    /** Rejects only when the supervisor has cleaned up. */
    async ready(signal?: AbortSignal): Promise<ClusterFacts> {
      const stop = () => child.kill("SIGTERM");
      signal?.addEventListener("abort", stop);
      if (signal?.aborted) stop();
      try {
        return await settled;
      } catch (error) {
        await exited;
        throw error;
      } finally {
        signal?.removeEventListener("abort", stop);
      }
    },
    /** Lets the calling process end, whether or not the cluster is to end with it. */
    async release(keep: boolean): Promise<void> {
      if (keep) {
        // It hangs up as the sign that it has heard.
        const heard = once(child, "disconnect");
        child.send("keep");
        await heard;
      }
      child.channel?.unref();
      child.unref();
    },
    gone(): Promise<void> {
      child.ref();
      return exited;
    },
  };
}
