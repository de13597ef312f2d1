// NetworkPolicy: who may call the server's pods, and what they may call, when `spec.network` is given.
import type { McpServer } from "../api/mcpserver.ts";
import { serverLabel } from "./labels.ts";
import { ownName } from "./names.ts";
import { child, type KubeObject } from "./object.ts";
import { portName } from "./pod-template.ts";

const dns = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const ownNamespace = [{ podSelector: {} }];

export function networkPolicy(server: McpServer): KubeObject | undefined {
  const { network } = server.spec;
  if (!network) return;
  const { name } = server.metadata;
  return {
    ...child(server, { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }, ownName(name)),
    spec: {
      podSelector: { matchLabels: { [serverLabel]: name } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: network.from ?? ownNamespace, ports: [{ protocol: "TCP", port: portName }] }],
      egress: [dns, ...(network.egress ?? [])],
    },
  };
}
