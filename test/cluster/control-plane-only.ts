// The provider for tests that need objects but no pods: a control plane on free ports of 127.0.0.1, ready within seconds.
import { join } from "node:path";
import { ensureBinaries } from "./binaries.ts";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./control-plane.ts";
import { controlPlanePackages, ensurePackages } from "./packages.ts";
import { freePorts } from "./ports.ts";
import type { StartContext } from "./processes.ts";
import type { Provider } from "./providers.ts";

/** A control plane that is ready, with what more can be started beside it. */
export interface RunningControlPlane extends Pick<ControlPlane, "pki" | "client"> {
  facts: Provider["facts"];
  /** URL of the API server. */
  server: string;
  binary: (name: string) => string;
}

const binaries = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

/** Starts a control plane on free ports, and has the binaries `more` at hand. */
export async function runControlPlane(
  context: StartContext,
  more: string[] = [],
  options: Pick<ControlPlaneOptions, "auditPolicy" | "withoutControllers"> = {},
): Promise<RunningControlPlane> {
  await ensurePackages(context, controlPlanePackages);
  const binary = await ensureBinaries(context, [...binaries, ...more]);
  const [api = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
  const auditLog = join(context.dir, "audit.log");
  const { pki, client, ready } = await startControlPlane(context, {
    ...options,
    binary,
    ports: { api, etcd, etcdPeer },
    bind: "127.0.0.1",
    // The API server refuses to be known by a loopback address; nothing asks for this one without pods.
    advertise: "192.0.2.1",
    auditLog,
  });
  await ready;
  const kubeconfig = join(context.dir, "kubeconfig");
  const server = `https://127.0.0.1:${api}`;
  pki.kubeconfig({ path: kubeconfig, server, identity: "admin" });
  return { pki, client, server, binary, facts: { kubeconfig, kubectl: binary("kubectl"), auditLog } };
}

export async function startControlPlaneOnly(context: StartContext): Promise<Provider> {
  const { facts } = await runControlPlane(context);
  // Nothing pulls images here.
  return { facts, loadImage: () => Promise.resolve() };
}
