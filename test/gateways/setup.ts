// One cluster with pods and two gateways for all tests of this tier, with the images that they run. Torn down when the tests
// end, however they end.
import type { TestProject } from "vitest/node";
import { installEnvoyGateway } from "../cluster/addons/envoy-gateway.ts";
import { installTraefik } from "../cluster/addons/traefik.ts";
import { startCluster } from "../cluster/index.ts";
import { loadCollectorImage } from "../support/collector-image.ts";
import { basket, conformance, driver, loadImages, newBasket } from "../support/images.ts";
import { loadJaegerImage } from "../support/jaeger.ts";
import { installCrd } from "../support/kube.ts";
import { loadStoreImages, redis } from "../support/store-images.ts";
import { shareCluster } from "../support/tier.ts";
import { loadServers } from "./servers/images.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  const cluster = await startCluster({ mode: "pods", name: `gateways-${process.pid}`, log });
  await installCrd(cluster.kubeconfig);
  await loadImages(cluster, [basket, newBasket, conformance, driver], log);
  await loadServers(cluster, log);
  await loadStoreImages(cluster, [redis], log);
  await loadCollectorImage(cluster, log);
  await loadJaegerImage(cluster, log);
  const began = Date.now();
  await installEnvoyGateway(cluster, { log, signal: interrupted.signal });
  await installTraefik(cluster, { log, signal: interrupted.signal });
  log(`two gateways are installed after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return shareCluster(project, cluster);
}
