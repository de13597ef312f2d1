// One cluster with pods for all tests of this tier, with the images that they run. Torn down when the tests end, however
// they end.
import type { TestProject } from "vitest/node";
import { startCluster } from "../cluster/index.ts";
import { basket, conformance, driver, loadImages, newBasket } from "../support/images.ts";
import { installCrd } from "../support/kube.ts";
import { operatorImage } from "../support/operator-image.ts";
import { shareCluster } from "../support/tier.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  const cluster = await startCluster({ mode: "pods", name: `pods-${process.pid}`, log });
  await installCrd(cluster.kubeconfig);
  await loadImages(cluster, [basket, newBasket, conformance, driver], log);
  await cluster.loadImage((await operatorImage()).archive);
  return shareCluster(project, cluster);
}
