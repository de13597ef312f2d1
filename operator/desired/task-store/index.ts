// The objects of a server's own store of tasks.
import type { McpServer } from "../../api/mcpserver.ts";
import type { TaskStore } from "../../api/task-store.ts";
import type { Images } from "../images.ts";
import type { KubeObject } from "../object.ts";
import type { Ring } from "../ring.ts";
import type { StoreOwner } from "./access.ts";
import { cloudNativePg, cloudNativePgCluster } from "./cloud-native-pg.ts";
import { loginsSecret } from "./logins.ts";
import { managedOf, managedStore } from "./managed.ts";
import { type LoginsOf, managedName } from "./names.ts";
import { redisReplication, redisReplicationObjects } from "./redis-replication.ts";

/** What the store's objects and its users depend on beside the server. */
export interface StoreWorld {
  /** The server whose store this one uses, itself perhaps; undefined when nobody has one. */
  owner: StoreOwner | undefined;
  /** The store's passwords, where anypod makes them. */
  logins: Ring;
  images: Images;
}

/** Whose passwords anypod makes for a store, if any, and how often they are renewed. */
export function loginsOf(taskStore: TaskStore): { of: LoginsOf; rotateEvery: string | undefined } | undefined {
  const managed = managedOf(taskStore);
  if (managed) return { of: managed.engine, rotateEvery: managed.managed.rotateEvery };
  return taskStore.redis?.replication && { of: "replication", rotateEvery: undefined };
}

/** The object that another operator makes the server's store of. */
export function clusterOf({ metadata: { name }, spec }: McpServer): { kind: string; name: string } | undefined {
  const { redis, postgresql } = spec.taskStore ?? {};
  if (redis?.replication) return { kind: "RedisReplication", name: redisReplication.name(name) };
  return postgresql?.cloudNativePg && { kind: "Cluster", name: cloudNativePg.name(name) };
}

export function taskStoreObjects(server: McpServer, { logins, images }: StoreWorld): KubeObject[] {
  const { metadata, spec } = server;
  const { redis, postgresql } = spec.taskStore ?? {};
  const managed = managedOf(spec.taskStore);
  if (managed) {
    const service = managedName(metadata.name, managed.engine);
    const secret = loginsSecret(server, { of: managed.engine, service }, logins);
    return [secret, ...managedStore(server, managed, { logins, images })];
  }
  if (postgresql?.cloudNativePg) return [cloudNativePgCluster(server, postgresql.cloudNativePg)];
  if (!redis?.replication) return [];
  const service = redisReplication.service(metadata.name);
  return [
    loginsSecret(server, { of: "replication", service, isKept: redis.replication.retain }, logins),
    ...redisReplicationObjects(server, redis.replication),
  ];
}
