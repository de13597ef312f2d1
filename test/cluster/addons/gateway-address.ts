// Where a Gateway takes calls.
import { envoyGateway } from "./envoy-gateway.ts";
import { kubectl, type Target } from "./kubectl.ts";
import { traefik } from "./traefik.ts";

export interface GatewayName {
  namespace: string;
  name: string;
}

/**
 * The address inside the cluster of the Service in front of a Gateway's proxies. It takes plain HTTP on port 80 and TLS on
 * port 443, whatever ports the Gateway's listeners have. Throws while there is no such Service; when the Gateway is
 * Programmed, there is.
 */
export async function gatewayAddress(target: Target, { namespace, name }: GatewayName): Promise<string> {
  const gatewayClass = await field(target, ".spec.gatewayClassName", ["gateway", name, "-n", namespace]);
  // All Gateways of Traefik share its one Service; those of Envoy Gateway have one each, under a name of its making.
  if (gatewayClass === traefik.gatewayClass) return ingressAddress(target);
  const owner = "gateway.envoyproxy.io/owning-gateway";
  const labels = `${owner}-name=${name},${owner}-namespace=${namespace}`;
  return field(target, ".items[0].spec.clusterIP", ["services", "-n", envoyGateway.namespace, "-l", labels]);
}

/** The same for Ingresses, and for the ingress controller's own kinds. */
export function ingressAddress(target: Target): Promise<string> {
  return field(target, ".spec.clusterIP", ["service", traefik.service, "-n", traefik.namespace]);
}

async function field(target: Target, path: string, what: string[]): Promise<string> {
  const value = await kubectl(target, ["get", ...what, "-o", `jsonpath={${path}}`]);
  if (value === "") throw new Error(`kubectl get ${what.join(" ")} tells no ${path}`);
  return value;
}
