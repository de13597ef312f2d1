// The ways to get a cluster, and which of them this machine can take.

import { existsSync } from "node:fs";
import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import type { StartContext } from "./processes.ts";
import type { ClusterFacts } from "./state.ts";

export type Mode = "pods" | "control-plane" | "fake-pods";

export interface ProviderChoice {
  provider: ClusterFacts["provider"];
  /** Why this one; the end of the sentence "cluster: <provider>, because …". */
  reason: string;
}

/** A started cluster, as seen by its supervisor. What ends it was given to `context.onEnd`. */
export interface Provider {
  facts: Pick<ClusterFacts, "kubeconfig" | "kubectl" | "auditLog">;
  loadImage: (archive: string) => Promise<void>;
  /** See Cluster. */
  restartNode?: () => Promise<void>;
}

// Imported only when taken: testcontainers alone takes a second to load.
export const providers: Record<ClusterFacts["provider"], (context: StartContext) => Promise<Provider>> = {
  existing: () => Promise.reject(new Error("an existing cluster needs no supervisor")),
  k3s: async (context) => (await import("./k3s.ts")).startK3s(context),
  node: async (context) => (await import("./node.ts")).startNode(context),
  "control-plane": async (context) => (await import("./control-plane-only.ts")).startControlPlaneOnly(context),
  "fake-pods": async (context) => (await import("./kwok.ts")).startFakePods(context),
};

/** Decides from `ANYPOD_CLUSTER` (existing, k3s, node; unset: what the machine can do). Throws when nothing is possible. */
export async function chooseProvider(mode: Mode): Promise<ProviderChoice> {
  const reason = "only an API server of our own tells all that is asked of it";
  return mode === "fake-pods" ? { provider: mode, reason } : chooseReal(mode);
}

async function chooseReal(mode: Exclude<Mode, "fake-pods">): Promise<ProviderChoice> {
  const wanted = process.env.ANYPOD_CLUSTER ?? "";
  if (!["", "existing", "k3s", "node"].includes(wanted))
    throw new Error(`ANYPOD_CLUSTER is "${wanted}": it may be "existing", "k3s" or "node", or unset`);
  if (wanted === "existing") return { provider: "existing", reason: "ANYPOD_CLUSTER is existing" };
  if (wanted === "k3s") return { provider: "k3s", reason: "ANYPOD_CLUSTER is k3s" };
  const without = wanted === "node" ? "ANYPOD_CLUSTER is node" : "no Docker daemon answers";
  if (wanted === "" && (await dockerAnswers())) return { provider: "k3s", reason: "a Docker daemon answers" };
  if (mode === "control-plane") return { provider: "control-plane", reason: `${without}, and nothing here needs pods` };
  if (process.platform === "linux" && process.getuid?.() === 0)
    return { provider: "node", reason: `${without}, and this is Linux as root` };
  throw new Error(
    `no way to run pods here: ${without}, and a node of our own needs Linux and root. One of these helps: ` +
      "start a Docker daemon; or run as root on Linux; or set ANYPOD_CLUSTER=existing and KUBECONFIG to a cluster that you have",
  );
}

async function dockerAnswers(): Promise<boolean> {
  const answers = await Promise.all(dockerAddresses().map(ping));
  return answers.includes(true);
}

/** The sockets that Docker Desktop, rootless Docker, Colima and the plain daemon use, unless DOCKER_HOST says otherwise. */
function dockerAddresses(): object[] {
  const host = process.env.DOCKER_HOST;
  if (host?.startsWith("unix://")) return [{ socketPath: host.slice("unix://".length) }];
  if (host) {
    const { hostname, port } = new URL(host);
    return [{ host: hostname, port: port || 2375 }];
  }
  const sockets = [
    "/var/run/docker.sock",
    join(homedir(), ".docker/run/docker.sock"),
    join(homedir(), ".docker/desktop/docker.sock"),
  ];
  if (process.env.XDG_RUNTIME_DIR) sockets.push(join(process.env.XDG_RUNTIME_DIR, "docker.sock"));
  return sockets.filter((path) => existsSync(path)).map((socketPath) => ({ socketPath }));
}

function ping(address: object): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...address, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
