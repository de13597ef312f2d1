// What can be added to a running cluster. Each is safe to add again, and brings what it needs.
import type { Cluster } from "../index.ts";
import { installDns } from "./dns.ts";
import { installEnvoyGateway } from "./envoy-gateway.ts";
import { installGatewayApi } from "./gateway-api.ts";
import { installKeda } from "./keda.ts";
import { installMetricsServer } from "./metrics-server.ts";
import type { InstallOptions } from "./programs.ts";
import { installPrometheus } from "./prometheus.ts";
import { installTraefik } from "./traefik.ts";

export const addons: Record<string, (cluster: Cluster, options: InstallOptions) => Promise<unknown>> = {
  dns: installDns,
  "gateway-api": installGatewayApi,
  "envoy-gateway": installEnvoyGateway,
  traefik: installTraefik,
  "metrics-server": installMetricsServer,
  prometheus: installPrometheus,
  keda: installKeda,
};
