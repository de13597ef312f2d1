// One cluster with pods for all tests of this tier, with the images that they run. Torn down when the tests end, however
// they end.
import type { TestProject } from "vitest/node";
import { installDns } from "../cluster/addons/dns.ts";
import { type Cluster, startCluster } from "../cluster/index.ts";
import { loadCollectorImage } from "../support/collector-image.ts";
import { basket, conformance, driver, loadImages, newBasket } from "../support/images.ts";
import { installCrd } from "../support/kube.ts";
import { operatorImage, previousTag } from "../support/operator-image.ts";
import { unpackPreviousRelease } from "../support/previous-release.ts";
import { loadStoreImages, postgres, redis } from "../support/store-images.ts";
import { shareCluster } from "../support/tier.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  const cluster = await startCluster({ mode: "pods", name: `pods-${process.pid}`, log });
  await installCrd(cluster.kubeconfig);
  await loadImages(cluster, [basket, newBasket, conformance, driver], log);
  await cluster.loadImage((await operatorImage()).archive);
  await loadStoreImages(cluster, [redis, postgres], log);
  await installDns(cluster, { log });
  await loadCollectorImage(cluster, log);
  // Only one test can't do without, and that says so.
  await loadPreviousOperator(cluster).catch(({ message }: Error) => log(message));
  return shareCluster(project, cluster);
}

async function loadPreviousOperator(cluster: Cluster): Promise<void> {
  const { folder, remove } = await unpackPreviousRelease();
  try {
    const { archive } = await operatorImage({ name: `localhost/anypod:${previousTag}`, sources: folder });
    await cluster.loadImage(archive);
  } finally {
    remove();
  }
}
