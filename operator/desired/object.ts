// The shape that all desired objects share, and what every one of them carries: labels, owner, hash.
import { createHash } from "node:crypto";
import { apiVersion, kind, type McpServer } from "../api/mcpserver.ts";
import { objectLabels, roleLabels } from "./labels.ts";

/** A Kubernetes object as it is sent to the API server: only fields that anypod owns. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
  };
  [field: string]: unknown;
}

/** Annotation with the hash of the object as it was desired: tells without a read whether a spec still asks for the same. */
export const desiredHashAnnotation = "anypod.dev/desired-hash";

/**
 * Annotation of what outlives its server, and which a server of the same name in the same namespace takes over. It has no
 * owner, as Kubernetes would delete it with that.
 */
export const keptAnnotation = "anypod.dev/kept";

/** Annotation of pods: a hash of the Secrets and ConfigMaps that they read at start, so that a change rolls them once. */
export const configHashAnnotation = "anypod.dev/config-hash";

/** A short stable hash of plain data built in a fixed order. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** A child of the server, without its content. */
export function child(
  server: McpServer,
  type: { apiVersion: string; kind: string },
  name: string,
  pool?: string,
): KubeObject {
  return {
    ...type,
    metadata: { name, namespace: server.metadata.namespace, labels: objectLabels(server.metadata.name, pool) },
  };
}

/** A child of the server that is no pool's, but something that the server needs. */
export function ofRole(
  server: McpServer,
  type: { apiVersion: string; kind: string },
  { name, role, isKept = false }: { name: string; role: string; isKept?: boolean },
): KubeObject {
  const { name: serverName, namespace } = server.metadata;
  const annotations = isKept && { annotations: { [keptAnnotation]: "true" } };
  return { ...type, metadata: { name, namespace, labels: roleLabels(serverName, role), ...annotations } };
}

/**
 * The object with its hash and its owner. The hash leaves the owner out, as `render` knows no uid, and a Secret's data,
 * so that nothing can be learnt from it; a Secret's annotations say which data it has.
 */
export function sealed(server: McpServer, object: KubeObject): KubeObject {
  const { uid, name } = server.metadata;
  const hashed = object.kind === "Secret" ? { ...object, data: undefined } : object;
  const isKept = object.metadata.annotations?.[keptAnnotation] !== undefined;
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...object.metadata.annotations, [desiredHashAnnotation]: hashOf(hashed) },
      ...(uid !== "" && !isKept && { ownerReferences: [owner] }),
    },
  };
}
