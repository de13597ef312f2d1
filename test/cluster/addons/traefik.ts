// Traefik: a second implementation of Gateway API, and an Ingress controller with route kinds of its own.
import { join } from "node:path";
import { moduleSources } from "../go-modules.ts";
import type { Cluster } from "../index.ts";
import { installGatewayApi } from "./gateway-api.ts";
import { applyDefinitions, applyManifest, rolledOut, waitFor } from "./kubectl.ts";
import { manifest } from "./manifests.ts";
import { type InstallOptions, loadProgram } from "./programs.ts";

export const traefik = {
  gatewayClass: "traefik",
  controllerName: "traefik.io/gateway-controller",
  ingressClass: "traefik",
  namespace: "traefik",
  /** The name of the Deployment and of the Service that all traffic comes in by. */
  service: "traefik",
  /** Listeners have the ports that Traefik itself listens on, not those of its Service. */
  httpPort: 8000,
};

/** Installs Gateway API and Traefik, and returns when its pod takes calls and its GatewayClass is accepted. */
export async function installTraefik(cluster: Cluster, options: InstallOptions = {}): Promise<typeof traefik> {
  const { gatewayClass, controllerName, ingressClass, namespace, service } = traefik;
  const image = await loadProgram(cluster, "traefik", options);
  const module = await moduleSources("traefik", "github.com/traefik/traefik/v3");
  const reference = join(module, "docs/content/reference/dynamic-configuration");
  await installGatewayApi(cluster);
  await applyDefinitions(cluster, [join(reference, "kubernetes-crd-definition-v1.yml")]);
  const values = { image, class: gatewayClass, controller: controllerName, ingressClass, namespace };
  await applyManifest(cluster, manifest("traefik", values));
  await rolledOut(cluster, namespace, service);
  await waitFor(cluster, "condition=Accepted", `gatewayclass/${gatewayClass}`);
  return traefik;
}
