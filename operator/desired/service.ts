// Service: one address a pool, without affinity: any pod answers any request.
import type { McpServer } from "../api/mcpserver.ts";
import { poolSelector } from "./labels.ts";
import { child, type KubeObject } from "./object.ts";
import { portName } from "./pod-template.ts";
import type { EffectivePool } from "./pool.ts";

/** Port of every Service. */
export const servicePort = 80;

/** @param annotations what an ingress controller looks for on the Services that it sends calls to */
export function service(server: McpServer, pool: EffectivePool, annotations?: Record<string, string>): KubeObject {
  const { metadata, ...rest } = child(server, { apiVersion: "v1", kind: "Service" }, pool.objectName, pool.name);
  return {
    ...rest,
    metadata: annotations ? { ...metadata, annotations } : metadata,
    spec: {
      type: "ClusterIP",
      sessionAffinity: "None",
      selector: poolSelector(server.metadata.name, pool.name),
      ports: [{ name: portName, port: servicePort, targetPort: portName, protocol: "TCP", appProtocol: "http" }],
    },
  };
}

/** Where clients inside the cluster reach the server. */
export function serviceUrl({ metadata, spec }: McpServer, pool: EffectivePool): string {
  return `http://${pool.objectName}.${metadata.namespace}.svc${spec.path}`;
}
