// One control plane for all tests of this tier: objects, no pods. Torn down when the tests end, however they end.
import type { TestProject } from "vitest/node";
import { installGatewayApi } from "../cluster/addons/gateway-api.ts";
import { startCluster } from "../cluster/index.ts";
import { installCrd } from "../support/kube.ts";
import { shareCluster } from "../support/tier.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  const cluster = await startCluster({ mode: "control-plane", name: `objects-${process.pid}`, log });
  await Promise.all([installCrd(cluster.kubeconfig), installGatewayApi(cluster)]);
  return shareCluster(project, cluster);
}
