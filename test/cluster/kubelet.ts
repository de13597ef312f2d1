// What makes a node of the machine, once there is a control plane and containerd: kubelet, kube-proxy and scheduler.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiClient } from "./api-client.ts";
import { cgroupName } from "./cgroups.ts";
import { containerdSocket } from "./containerd.ts";
import { nodeAddress, podRange } from "./network.ts";
import type { Identity, Pki } from "./pki.ts";
import { type Process, type StartContext, startProcess, waitFor } from "./processes.ts";

export interface NodeParts {
  binary: (name: string) => string;
  pki: Pki;
  /** The API server's URL inside the namespaces. */
  server: string;
}

export const nodeName = "node1";

export async function startKubelet(context: StartContext, parts: NodeParts): Promise<Process> {
  const { pki, binary } = parts;
  await pki.issue({ file: "kubelet-server", user: nodeName, names: [`DNS:${nodeName}`, `IP:${nodeAddress}`] });
  const kubeconfig = await logIn(parts, { file: "kubelet", user: `system:node:${nodeName}`, group: "system:nodes" });
  const config = writeConfig(context, "kubelet", {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pki.file("ca.crt") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: pki.file("kubelet-server.crt"),
    tlsPrivateKeyFile: pki.file("kubelet-server.key"),
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroupName(context.name)}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: ["10.96.0.10"],
    clusterDomain: "cluster.local",
    // The machine's name servers are out of reach here.
    resolvConf: "/dev/null",
    // A machine short of disk or memory still runs the tests.
    evictionHard: {
      "memory.available": "1Mi",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
    },
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
  });
  const args = [
    `--config=${config}`,
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeAddress}`,
  ];
  return startProcess(context, { name: "kubelet", command: binary("kubelet"), args });
}

/** Returns when Services can be reached. */
export async function startKubeProxy(context: StartContext, parts: NodeParts): Promise<Process> {
  const kubeconfig = await logIn(parts, { file: "kube-proxy", user: "system:kube-proxy" });
  const config = writeConfig(context, "kube-proxy", {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clusterCIDR: podRange,
    hostnameOverride: nodeName,
    clientConnection: { kubeconfig },
    // Zero leaves the machine's settings alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  });
  const command = parts.binary("kube-proxy");
  const proxy = startProcess(context, { name: "kube-proxy", command, args: [`--config=${config}`] });
  await waitFor(context, proxy, "kube-proxy to have written the Services' rules", async () => {
    const { ok } = await fetch("http://127.0.0.1:10256/healthz");
    return ok;
  });
  return proxy;
}

export async function startScheduler(context: StartContext, parts: NodeParts): Promise<Process> {
  const kubeconfig = await logIn(parts, { file: "scheduler", user: "system:kube-scheduler" });
  const args = [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
  return startProcess(context, { name: "kube-scheduler", command: parts.binary("kube-scheduler"), args });
}

/** Waits until the node takes pods. */
export async function nodeReady(context: StartContext, kubelet: Process, client: ApiClient): Promise<void> {
  await waitFor(context, kubelet, "the node to be ready", async () => {
    const node = (await client.get(`/api/v1/nodes/${nodeName}`)) as Node;
    const ready = node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    return ready && !node.spec.taints?.length;
  });
}

interface Node {
  spec: { taints?: object[] };
  status: { conditions?: { type: string; status: string }[] };
}

/** Issues a client certificate and returns the path of a kubeconfig with it. */
async function logIn({ pki, server }: NodeParts, identity: Identity): Promise<string> {
  await pki.issue(identity);
  const path = pki.file(`${identity.file}.kubeconfig`);
  pki.kubeconfig({ path, server, identity: identity.file });
  return path;
}

function writeConfig(context: StartContext, name: string, config: object): string {
  const path = join(context.dir, `${name}.json`);
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}
