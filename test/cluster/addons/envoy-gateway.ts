// Envoy Gateway, as its users install it: by its own Helm chart, from its Go module.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBinaries } from "../binaries.ts";
import { moduleSources } from "../go-modules.ts";
import type { Cluster } from "../index.ts";
import { installDns } from "./dns.ts";
import { installGatewayApi } from "./gateway-api.ts";
import { installChart } from "./helm.ts";
import { applyDefinitions, applyManifest, waitFor } from "./kubectl.ts";
import { fillIn, manifest } from "./manifests.ts";
import { buildContext, type InstallOptions, loadEnvoy, loadProgram } from "./programs.ts";

export const envoyGateway = {
  gatewayClass: "eg",
  controllerName: "gateway.envoyproxy.io/gatewayclass-controller",
  namespace: "envoy-gateway-system",
  /** What a Gateway's listener for plain HTTP has as its port. */
  httpPort: 80,
};

/**
 * Installs what it needs (DNS, Gateway API), Envoy Gateway, and a GatewayClass, and returns when that is accepted. Each
 * Gateway of the class gets an Envoy and a Service of its own, see `gatewayAddress`.
 */
export async function installEnvoyGateway(
  cluster: Cluster,
  options: InstallOptions = {},
): Promise<typeof envoyGateway> {
  const { gatewayClass, controllerName, namespace } = envoyGateway;
  const helm = (await ensureBinaries(buildContext(options), ["helm"]))("helm");
  const chart = join(await moduleSources("envoy-gateway", "github.com/envoyproxy/gateway"), "charts/gateway-helm");
  // Its proxies look for the control plane by name.
  await installDns(cluster, options);
  const [controlPlane, envoy] = await Promise.all([
    loadProgram(cluster, "envoy-gateway", options),
    loadEnvoy(cluster, options),
    installGatewayApi(cluster).then(() => applyDefinitions(cluster, [join(chart, "charts/crds/crds/generated")])),
  ]);
  // The module has the chart as it is before a release: its values still lack the image that they are about.
  const template = readFileSync(join(chart, "values.tmpl.yaml"), "utf8");
  const values = fillIn(template, { GatewayImage: controlPlane, GatewayImagePullPolicy: "IfNotPresent" });
  // Its Gateway API is the experimental channel; the standard one is what most clusters have.
  await installChart(helm, cluster, { name: "eg", namespace, chart, values, set: ["crds.enabled=false"] });
  await applyManifest(
    cluster,
    manifest("envoy-gateway", { class: gatewayClass, controller: controllerName, namespace, envoy }),
  );
  await waitFor(cluster, "condition=Accepted", `gatewayclass/${gatewayClass}`);
  return envoyGateway;
}
