// Gateway API itself: its CustomResourceDefinitions of the standard channel, from its Go module.
import { join } from "node:path";
import { moduleSources } from "../go-modules.ts";
import { applyDefinitions, kubectl, type Target } from "./kubectl.ts";

/**
 * Installs the version that Envoy Gateway is made for, unless the cluster has one; returns when it is served. Gateways need
 * this first, and a running operator may see it come.
 */
export async function installGatewayApi(cluster: Target): Promise<void> {
  const definition = "customresourcedefinition/httproutes.gateway.networking.k8s.io";
  if ((await kubectl(cluster, ["get", definition, "--ignore-not-found", "-o", "name"])) !== "") return;
  const module = await moduleSources("envoy-gateway", "sigs.k8s.io/gateway-api");
  await applyDefinitions(cluster, [join(module, "config/crd/standard")]);
}
