// One control plane for all tests of this tier: objects, no pods. Torn down when the tests end, however they end.
import type { TestProject } from "vitest/node";
import { installGatewayApi } from "../cluster/addons/gateway-api.ts";
import { startCluster } from "../cluster/index.ts";
import { installCrd } from "../support/kube.ts";

declare module "vitest" {
  interface ProvidedContext {
    kubeconfig: string;
    kubectl: string;
    /** Path of the API server's audit log; empty where there is none to be had. */
    auditLog: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  const cluster = await startCluster({ mode: "control-plane", name: `objects-${process.pid}`, log });
  await Promise.all([installCrd(cluster.kubeconfig), installGatewayApi(cluster)]);
  project.provide("kubeconfig", cluster.kubeconfig);
  project.provide("kubectl", cluster.kubectl);
  project.provide("auditLog", cluster.auditLog ?? "");
  return cluster.stop;
}
