// NetworkPolicy: who may call the server's pods, and what they may call, when `spec.network` is given.
import type { McpServer } from "../api/mcpserver.ts";
import { poolLabel, serverLabel } from "./labels.ts";
import { ownName } from "./names.ts";
import { child, type KubeObject } from "./object.ts";
import { type PodUses, portName, scrapedPort } from "./pod-template.ts";
import { ports } from "./telemetry/config.ts";

const dns = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const ownNamespace = [{ podSelector: {} }];

const anyPod = [{ namespaceSelector: {} }];

/** Scrapers, of a server that tells metrics itself. */
function scrapers({ spec }: McpServer): object[] {
  const metrics = spec.telemetry?.metrics;
  if (metrics?.port === undefined) return [];
  return [{ from: metrics.from ?? anyPod, ports: [{ protocol: "TCP", port: scrapedPort(spec) }] }];
}

const toPods = (matchLabels: Record<string, string>, numbers: number[]) => ({
  to: [{ podSelector: { matchLabels } }],
  ports: numbers.map((port) => ({ protocol: "TCP", port })),
});

/** To the pods of store and collector; what is elsewhere has no labels, so `network.egress` has to name it. */
const toUses = ({ store, telemetry }: PodUses) => [
  ...(store?.pods ? [toPods(store.pods.labels, [store.pods.port])] : []),
  ...(telemetry?.pods ? [toPods(telemetry.pods, [ports.grpc, ports.http])] : []),
];

export function networkPolicy(server: McpServer, uses: PodUses): KubeObject | undefined {
  const { network } = server.spec;
  if (!network) return;
  const { name } = server.metadata;
  return {
    ...child(server, { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }, ownName(name)),
    spec: {
      // Of all pools, and not of the server's store.
      podSelector: { matchLabels: { [serverLabel]: name }, matchExpressions: [{ key: poolLabel, operator: "Exists" }] },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { from: network.from ?? ownNamespace, ports: [{ protocol: "TCP", port: portName }] },
        ...scrapers(server),
      ],
      egress: [dns, ...toUses(uses), ...(network.egress ?? [])],
    },
  };
}
