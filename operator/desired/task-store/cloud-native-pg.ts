// PostgreSQL that CloudNativePG runs: a Cluster with replicas and failover. It makes the database, its owner and their Secret.
// https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/
import type { McpServer } from "../../api/mcpserver.ts";
import type { PostgresqlCluster } from "../../api/task-store.ts";
import { type KubeObject, ofRole } from "../object.ts";
import { database, enginePort, cloudNativePgName as name } from "./names.ts";

const role = "cloud-native-pg";

export const cloudNativePg = {
  name,
  /** Secrets and pods as CloudNativePG names them. https://cloudnative-pg.io/documentation/current/applications/ */
  access: (server: string) => ({
    url: { name: `${name(server)}-app`, key: "uri" },
    ca: { name: `${name(server)}-ca`, key: "ca.crt" },
    query: (caFile: string) => `?sslmode=verify-full&sslrootcert=${caFile}`,
    pods: { labels: { "cnpg.io/cluster": name(server) }, port: enginePort.postgresql },
  }),
};

export function cloudNativePgCluster(server: McpServer, cluster: PostgresqlCluster): KubeObject {
  const type = { apiVersion: "postgresql.cnpg.io/v1", kind: "Cluster" };
  return {
    ...ofRole(server, type, { name: name(server.metadata.name), role, isKept: cluster.retain }),
    spec: {
      instances: cluster.instances,
      bootstrap: { initdb: { database, owner: database } },
      ...(cluster.resources && { resources: cluster.resources }),
      storage: {
        size: cluster.storage,
        ...(cluster.storageClassName !== undefined && { storageClass: cluster.storageClassName }),
      },
    },
  };
}
