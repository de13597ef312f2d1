// The store that anypod runs itself: one pod with a volume, reached by the pods of servers that use it and nobody else.

import type { McpServer } from "../../api/mcpserver.ts";
import type { Engine, Managed, TaskStore } from "../../api/task-store.ts";
import type { Images } from "../images.ts";
import { roleLabels, roleSelector } from "../labels.ts";
import { type KubeObject, ofRole } from "../object.ts";
import { restrictedContainer } from "../restricted.ts";
import type { Ring } from "../ring.ts";
import { usesStoreLabel } from "./access.ts";
import type { EngineSpec } from "./engine.ts";
import { enginePort, loginsEntry, loginsSecretName, managedName } from "./names.ts";
import { postgresql } from "./postgresql.ts";
import { redis } from "./redis.ts";

const engines: Record<Engine, EngineSpec> = { redis, postgresql };

/** Annotation of the store's pod: tells which logins it takes. */
export const loginsHashAnnotation = "anypod.dev/logins-hash";

/** The user of the official images, and of Debian's. */
const user = 999;

export interface ManagedStore {
  engine: Engine;
  managed: Managed;
}

export function managedOf(taskStore: TaskStore | undefined): ManagedStore | undefined {
  const { redis: inRedis, postgresql: inPostgresql } = taskStore ?? {};
  if (inRedis?.managed) return { engine: "redis", managed: inRedis.managed };
  return inPostgresql?.managed && { engine: "postgresql", managed: inPostgresql.managed };
}

function container(server: McpServer, { engine, managed }: ManagedStore, images: Images) {
  const { start, ready } = engines[engine];
  const tcp = { tcpSocket: { port: engine } };
  const logins = { name: loginsSecretName(server.metadata.name, engine), key: loginsEntry };
  return {
    name: engine,
    image: `${images[engine]}:${managed.version}`,
    command: ["sh", "-c", start],
    env: [
      { name: "LOGINS", valueFrom: { secretKeyRef: logins } },
      { name: "MEMORY_LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
    ],
    ports: [{ name: engine, containerPort: enginePort[engine], protocol: "TCP" }],
    resources: managed.resources,
    // A store that has to recover first may take its time.
    startupProbe: { ...tcp, periodSeconds: 2, failureThreshold: 150 },
    livenessProbe: { ...tcp, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { exec: { command: ["sh", "-c", ready] }, periodSeconds: 2, timeoutSeconds: 5 },
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

function statefulSet(server: McpServer, store: ManagedStore, { logins, images }: StoreParts): KubeObject {
  const { engine, managed } = store;
  const { name: serverName } = server.metadata;
  const name = managedName(serverName, engine);
  const { imagePullSecrets } = server.spec;
  return {
    ...ofRole(server, { apiVersion: "apps/v1", kind: "StatefulSet" }, { name, role: engine }),
    spec: {
      replicas: 1,
      serviceName: name,
      // A pod that never got ready must not keep a better one from replacing it.
      podManagementPolicy: "Parallel",
      selector: { matchLabels: roleSelector(serverName, engine) },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: managed.retain ? "Retain" : "Delete", whenScaled: "Retain" },
      template: {
        metadata: {
          labels: roleLabels(serverName, engine),
          annotations: { [loginsHashAnnotation]: logins.accepted ?? "" },
        },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(imagePullSecrets && { imagePullSecrets }),
          terminationGracePeriodSeconds: 60,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: user,
            runAsGroup: user,
            fsGroup: user,
            fsGroupChangePolicy: "OnRootMismatch",
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [container(server, store, images)],
          volumes: [{ name: "tmp", emptyDir: {} }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data", labels: roleLabels(serverName, engine) },
          spec: {
            accessModes: ["ReadWriteOnce"],
            ...(managed.storageClassName !== undefined && { storageClassName: managed.storageClassName }),
            resources: { requests: { storage: managed.storage } },
          },
        },
      ],
    },
  };
}

function service(server: McpServer, engine: Engine): KubeObject {
  const { name } = server.metadata;
  return {
    ...ofRole(server, { apiVersion: "v1", kind: "Service" }, { name: managedName(name, engine), role: engine }),
    spec: {
      type: "ClusterIP",
      selector: roleSelector(name, engine),
      ports: [{ name: engine, port: enginePort[engine], targetPort: engine, protocol: "TCP" }],
    },
  };
}

function networkPolicy(server: McpServer, engine: Engine): KubeObject {
  const { name } = server.metadata;
  const type = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" };
  const users = { podSelector: { matchLabels: { [usesStoreLabel]: name } } };
  return {
    ...ofRole(server, type, { name: managedName(name, engine), role: engine }),
    spec: {
      podSelector: { matchLabels: roleSelector(name, engine) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [users], ports: [{ protocol: "TCP", port: engine }] }],
    },
  };
}

interface StoreParts {
  logins: Ring;
  images: Images;
}

export function managedStore(server: McpServer, store: ManagedStore, parts: StoreParts): KubeObject[] {
  return [networkPolicy(server, store.engine), service(server, store.engine), statefulSet(server, store, parts)];
}
