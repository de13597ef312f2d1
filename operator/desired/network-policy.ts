// NetworkPolicy: who may call the server's pods, and what they may call, when `spec.network` is given.
import type { McpServer } from "../api/mcpserver.ts";
import { poolLabel, serverLabel } from "./labels.ts";
import { ownName } from "./names.ts";
import { child, type KubeObject } from "./object.ts";
import { portName } from "./pod-template.ts";
import type { StoreAccess } from "./task-store/access.ts";

const dns = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const ownNamespace = [{ podSelector: {} }];

/** To the pods of a store; one that is elsewhere has no labels, so `network.egress` has to name it. */
const toStore = ({ pods }: StoreAccess) =>
  pods ? [{ to: [{ podSelector: { matchLabels: pods.labels } }], ports: [{ protocol: "TCP", port: pods.port }] }] : [];

export function networkPolicy(server: McpServer, access: StoreAccess | undefined): KubeObject | undefined {
  const { network } = server.spec;
  if (!network) return;
  const { name } = server.metadata;
  return {
    ...child(server, { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }, ownName(name)),
    spec: {
      // Of all pools, and not of the server's store.
      podSelector: { matchLabels: { [serverLabel]: name }, matchExpressions: [{ key: poolLabel, operator: "Exists" }] },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: network.from ?? ownNamespace, ports: [{ protocol: "TCP", port: portName }] }],
      egress: [dns, ...(access ? toStore(access) : []), ...(network.egress ?? [])],
    },
  };
}
