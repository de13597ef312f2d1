// Redis that the operator of OT-CONTAINER-KIT runs: a RedisReplication, whose Service `<name>-master` follows the primary,
// and a RedisSentinel, which chooses another one when it is lost. docs/adr/0005 says why these two.
// https://redis-operator.opstree.dev/docs/crd-reference/api-reference/
import type { McpServer } from "../../api/mcpserver.ts";
import { bytesOf } from "../../api/quantity.ts";
import type { RedisCluster } from "../../api/task-store.ts";
import { desiredHashAnnotation, type KubeObject, keptAnnotation, ofRole } from "../object.ts";
import { enginePort, loginsSecretName, replicationName as name, passwordEntry } from "./names.ts";

/** Not "redis": its operator hands labels on to its pods and claims, and a managed store's Service would take them for its own. */
const role = "replication";
const apiVersion = "redis.redis.opstreelabs.in/v1beta2";

export const redisReplication = {
  name,
  service: (server: string) => `${name(server)}-master`,
  pods: (server: string) => ({
    labels: { app: name(server), redis_setup_type: "replication" },
    port: enginePort.redis,
  }),
  /** What its pods can't do without at their next start, or when the primary is lost: it stays as long as they do. */
  needs: (server: string) => [
    { kind: "RedisSentinel", name: name(server) },
    { kind: "ConfigMap", name: name(server) },
    { kind: "Secret", name: loginsSecretName(server, "replication") },
  ],
};

/** The newest that its operator's documentation pins; newer ones are under other licences. */
const images = { redis: "quay.io/opstree/redis:v7.0.15", sentinel: "quay.io/opstree/redis-sentinel:v7.0.15" };
/** The user of these images. Their start script writes into the root file system. */
const security = {
  podSecurityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    fsGroup: 1000,
    seccompProfile: { type: "RuntimeDefault" },
  },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
};
/** Its operator's own probe asks for PONG, which a Redis with a full disk doesn't answer: it would be killed for that. */
const alive = (port: number) => ({ tcpSocket: { port }, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 });
const pdb = { enabled: true, maxUnavailable: 1 };

function config(server: McpServer, { resources, retain }: RedisCluster): KubeObject {
  const limit = bytesOf(resources.limits?.memory ?? "") ?? 0;
  const lines = [
    "appendonly yes",
    "appendfsync everysec",
    `maxmemory ${Math.floor((limit / 4) * 3)}`,
    "maxmemory-policy noeviction",
  ];
  return {
    ...ofRole(
      server,
      { apiVersion: "v1", kind: "ConfigMap" },
      { name: name(server.metadata.name), role, isKept: retain },
    ),
    data: { "redis-additional.conf": lines.map((line) => `${line}\n`).join("") },
  };
}

function replication(server: McpServer, cluster: RedisCluster): KubeObject {
  const { instances, storage, storageClassName, retain, resources } = cluster;
  const { name: serverName } = server.metadata;
  const own = name(serverName);
  return {
    ...ofRole(server, { apiVersion, kind: "RedisReplication" }, { name: own, role, isKept: retain }),
    spec: {
      clusterSize: instances,
      kubernetesConfig: {
        image: images.redis,
        imagePullPolicy: "IfNotPresent",
        redisSecret: { name: loginsSecretName(serverName, "replication"), key: passwordEntry },
        resources,
        // Annotations reach the pods, and a pod rolls when one changes: these say nothing of pods.
        ignoreAnnotations: [desiredHashAnnotation, keptAnnotation],
      },
      redisConfig: { additionalRedisConfig: own },
      storage: {
        keepAfterDelete: retain,
        volumeClaimTemplate: {
          spec: {
            accessModes: ["ReadWriteOnce"],
            ...(storageClassName !== undefined && { storageClassName }),
            resources: { requests: { storage } },
          },
        },
      },
      pdb,
      livenessProbe: alive(enginePort.redis),
      ...security,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { app: own } },
        },
      ],
    },
  };
}

/** Its operator wants an odd number, and all of its numbers but that one as text. */
function sentinel(server: McpServer, { retain }: RedisCluster): KubeObject {
  const { name: serverName } = server.metadata;
  const secret = { name: loginsSecretName(serverName, "replication"), key: passwordEntry };
  return {
    ...ofRole(server, { apiVersion, kind: "RedisSentinel" }, { name: name(serverName), role, isKept: retain }),
    spec: {
      clusterSize: 3,
      kubernetesConfig: {
        image: images.sentinel,
        imagePullPolicy: "IfNotPresent",
        redisSecret: secret,
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
        ignoreAnnotations: [desiredHashAnnotation, keptAnnotation],
      },
      redisSentinelConfig: {
        redisReplicationName: name(serverName),
        redisReplicationPassword: { secretKeyRef: secret },
        quorum: "2",
        downAfterMilliseconds: "5000",
        failoverTimeout: "10000",
        parallelSyncs: "1",
      },
      pdb,
      livenessProbe: alive(26379),
      ...security,
    },
  };
}

export function redisReplicationObjects(server: McpServer, cluster: RedisCluster): KubeObject[] {
  return [config(server, cluster), replication(server, cluster), sentinel(server, cluster)];
}
