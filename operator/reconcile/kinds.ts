// The kinds that the operator works with. What it may do with each stands in the chart's RBAC.
import { apiVersion, kind, plural } from "../api/mcpserver.ts";
import type { ResourceType } from "../kube/resource.ts";

export const mcpServers: ResourceType = { apiVersion, kind, plural };
export const pods: ResourceType = { apiVersion: "v1", kind: "Pod", plural: "pods" };
export const secrets: ResourceType = { apiVersion: "v1", kind: "Secret", plural: "secrets" };
export const configMaps: ResourceType = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
export const deployments: ResourceType = { apiVersion: "apps/v1", kind: "Deployment", plural: "deployments" };

/** Kinds that the operator makes, and of which metadata says all that it has to know. */
export const childKinds: ResourceType[] = [
  { apiVersion: "v1", kind: "ServiceAccount", plural: "serviceaccounts" },
  { apiVersion: "v1", kind: "Service", plural: "services" },
  { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", plural: "networkpolicies" },
  { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers" },
  { apiVersion: "policy/v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets" },
];

const byKind = new Map([...childKinds, secrets, deployments].map((type) => [type.kind, type]));

/** The type of a kind that the operator makes. */
export function typeOf(kindName: string): ResourceType {
  const type = byKind.get(kindName);
  if (!type) throw new Error(`no such child kind: ${kindName}`);
  return type;
}
