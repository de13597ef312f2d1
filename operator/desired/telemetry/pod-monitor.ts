// PodMonitors: what Prometheus scrapes of a server, its own pods and those of its collector, when `telemetry.metrics` is given.
// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
import type { McpServer } from "../../api/mcpserver.ts";
import type { Metrics } from "../../api/metrics.ts";
import { poolLabel, roleSelector, serverLabel } from "../labels.ts";
import { ownName } from "../names.ts";
import { child, type KubeObject, ofRole } from "../object.ts";
import { scrapedPort } from "../pod-template.ts";
import { collectorName, collectorRole } from "./parts.ts";

export const podMonitorKind = "PodMonitor";
const type = { apiVersion: "monitoring.coreos.com/v1", kind: podMonitorKind };

/** As Prometheus knows a label of pods. */
const podLabel = (label: string) => `__meta_kubernetes_pod_label_${label.replaceAll(/[^A-Za-z0-9]/g, "_")}`;

/** The names that OpenTelemetry has for whose metrics they are, so that all servers' are found in one way. */
const whose = Object.entries({
  service_namespace: "__meta_kubernetes_namespace",
  service_name: podLabel(serverLabel),
  anypod_pool: podLabel(poolLabel),
  k8s_pod_name: "__meta_kubernetes_pod_name",
}).map(([targetLabel, source]) => ({ action: "replace", sourceLabels: [source], targetLabel }));

const scrape = (port: string, path: string, { interval }: Metrics) => ({ port, path, interval });

// None honours labels: what a server says never passes for another namespace's.
const ofServer = (server: McpServer, metrics: Metrics): KubeObject => ({
  ...child(server, type, ownName(server.metadata.name)),
  spec: {
    selector: {
      matchLabels: { [serverLabel]: server.metadata.name },
      matchExpressions: [{ key: poolLabel, operator: "Exists" }],
    },
    podMetricsEndpoints: [{ ...scrape(scrapedPort(server.spec), metrics.path, metrics), relabelings: whose }],
  },
});

/** Whose metrics those of servers are, the servers say by their resource attributes. */
const ofCollector = (server: McpServer, metrics: Metrics): KubeObject => {
  const { name } = server.metadata;
  return {
    ...ofRole(server, type, { name: collectorName(name), role: collectorRole }),
    spec: {
      selector: { matchLabels: roleSelector(name, collectorRole) },
      podMetricsEndpoints: [scrape("told", "/metrics", metrics), scrape("metrics", "/metrics", metrics)],
    },
  };
};

/** What Prometheus selects PodMonitors by; anypod's own labels stay as they are. */
const labelled = ({ metadata, ...rest }: KubeObject, { labels }: Metrics): KubeObject => ({
  ...rest,
  metadata: { ...metadata, labels: { ...labels, ...metadata.labels } },
});

export function podMonitors(server: McpServer): KubeObject[] {
  const { metrics, collector } = server.spec.telemetry ?? {};
  if (!metrics) return [];
  return [
    ...(metrics.port === undefined ? [] : [ofServer(server, metrics)]),
    ...(collector ? [ofCollector(server, metrics)] : []),
  ].map((monitor) => labelled(monitor, metrics));
}
