// What the operator may do, kind by kind: the table that the chart's roles are generated from. It has what the code does,
// and nothing more.
import type { ResourceType } from "../../operator/kube/resource.ts";
import {
  childKinds,
  configMaps,
  gatewayClasses,
  gateways,
  holdsTasks,
  ingressClasses,
  mcpServers,
  pods,
  secrets,
} from "../../operator/reconcile/kinds.ts";

export interface Right {
  group: string;
  /** With its subresource, such as `mcpservers/status`. */
  resource: string;
  verbs: string[];
  /** The only objects that it is for; all when not given. */
  names?: string[];
}

const watched = ["list", "watch"];
/** Server-side apply is a patch, and a create when there is no such object; get is for one that the caches don't know. */
const made = ["create", "delete", "get", ...watched, "patch"];

const groupOf = (apiVersion: string) => (apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "");
const on = ({ apiVersion, plural }: ResourceType, verbs: string[]): Right => ({
  group: groupOf(apiVersion),
  resource: plural,
  verbs,
});
const server = on(mcpServers, watched);

/** In every namespace that it works in. */
export const namespaced: Right[] = [
  server,
  { ...server, resource: "mcpservers/status", verbs: ["patch"] },
  // For blockOwnerDeletion, where the admission plugin OwnerReferencesPermissionEnforcement is on.
  { ...server, resource: "mcpservers/finalizers", verbs: ["update"] },
  on(pods, watched),
  on(gateways, watched),
  // Watched as metadata; contents are read by name.
  on(configMaps, made),
  on(secrets, made),
  ...childKinds.map(({ type }) => on(type, holdsTasks(type.kind) ? made.filter((verb) => verb !== "delete") : made)),
  { group: "events.k8s.io", resource: "events", verbs: ["create", "list", "patch"] },
];

/** Kinds without a namespace, of which it only reads. */
export const clusterScoped: Right[] = [
  on(gatewayClasses, watched),
  on(ingressClasses, watched),
  { group: "apiextensions.k8s.io", resource: "customresourcedefinitions", verbs: watched },
];

const leases = { group: "coordination.k8s.io", resource: "leases" };
/** In its own namespace. That of an object's name can't be asked for when it is created. */
export const election: Right[] = [
  { ...leases, verbs: ["create"] },
  { ...leases, verbs: ["get", ...watched, "update"], names: ["anypod"] },
];

/** All that it may do, wherever. */
export const granted: Right[] = [...namespaced, ...clusterScoped, ...election];
