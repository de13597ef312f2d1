// The provider for tests that need objects but no pods: a control plane on free ports of 127.0.0.1, ready within seconds.
import { join } from "node:path";
import { ensureBinaries } from "./binaries.ts";
import { startControlPlane } from "./control-plane.ts";
import { controlPlanePackages, ensurePackages } from "./packages.ts";
import { freePorts } from "./ports.ts";
import type { StartContext } from "./processes.ts";
import type { Provider } from "./providers.ts";

export async function startControlPlaneOnly(context: StartContext): Promise<Provider> {
  await ensurePackages(context, controlPlanePackages);
  const binary = await ensureBinaries(context, ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"]);
  const [api = 0, etcd = 0, etcdPeer = 0] = await freePorts(3);
  const auditLog = join(context.dir, "audit.log");
  const { pki, ready } = await startControlPlane(context, {
    binary,
    ports: { api, etcd, etcdPeer },
    bind: "127.0.0.1",
    // The API server refuses to be known by a loopback address; nothing asks for this one without pods.
    advertise: "192.0.2.1",
    auditLog,
  });
  await ready;
  const kubeconfig = join(context.dir, "kubeconfig");
  pki.kubeconfig({ path: kubeconfig, server: `https://127.0.0.1:${api}`, identity: "admin" });
  return {
    facts: { kubeconfig, kubectl: binary("kubectl"), auditLog },
    // Nothing pulls images here.
    loadImage: () => Promise.resolve(),
  };
}
