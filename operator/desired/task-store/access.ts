// How pods reach the store of tasks: variables, a certificate, a label that lets them in. The same for every source.
import type { McpServer, Spec } from "../../api/mcpserver.ts";
import type { Engine, SecretKey, TaskStore, UrlSource } from "../../api/task-store.ts";
import { roleSelector } from "../labels.ts";
import type { EnvVar } from "../pod-template.ts";
import { cloudNativePg } from "./cloud-native-pg.ts";
import { enginePort, type LoginsOf, loginsSecretName, urlEntry } from "./names.ts";
import { redisReplication } from "./redis-replication.ts";

/** The server that has the store: the one that uses it, or the one that its `taskStore.ref` names. */
export interface StoreOwner {
  metadata: { name: string; namespace: string };
  taskStore: TaskStore;
}

type Sharing = Pick<McpServer, "spec"> & { metadata: StoreOwner["metadata"] };

/**
 * The server whose store of tasks this one uses; undefined when it asks for none, or for that of a server that isn't there or
 * has none of its own.
 * @param find another server of the namespace
 */
export function storeOwner(
  { metadata, spec }: Sharing,
  find: (name: string) => { metadata: StoreOwner["metadata"]; spec: Spec | undefined } | undefined,
): StoreOwner | undefined {
  const { taskStore } = spec;
  if (!taskStore?.ref) return taskStore && { metadata, taskStore };
  const other = find(taskStore.ref.name);
  const theirs = other?.spec?.taskStore;
  return other && theirs && !theirs.ref ? { metadata: other.metadata, taskStore: theirs } : undefined;
}

/** Where the store is. */
export interface StoreAccess {
  engine: Engine;
  /** The server that has it. */
  owner: string;
  url: SecretKey;
  /** Certificates that the store's own come from. */
  ca?: SecretKey | undefined;
  /** What its URL lacks, given where pods find the certificates. */
  query?: (caFile: string) => string;
  /** The store's pods, when they run beside the server's. */
  pods?: { labels: Record<string, string>; port: number };
}

/** Which engine a store has; undefined for a ref. */
export const engineOf = ({ redis, postgresql }: TaskStore): Engine | undefined =>
  redis ? "redis" : postgresql && "postgresql";

const byUrl = ({ secretKeyRef, caSecretKeyRef }: UrlSource) => ({ url: secretKeyRef, ca: caSecretKeyRef });

/** Undefined when the owner only refers to another one's store itself. */
export function storeAccess({ metadata: { name }, taskStore }: StoreOwner): StoreAccess | undefined {
  const engine = engineOf(taskStore);
  if (!engine) return;
  const { redis, postgresql } = taskStore;
  const common = { engine, owner: name };
  const given = redis?.url ?? postgresql?.url;
  if (given) return { ...common, ...byUrl(given) };
  if (postgresql?.cloudNativePg) return { ...common, ...cloudNativePg.access(name) };
  const urlOf = (of: LoginsOf) => ({ url: { name: loginsSecretName(name, of), key: urlEntry } });
  if (redis?.replication) return { ...common, ...urlOf("replication"), pods: redisReplication.pods(name) };
  return { ...common, ...urlOf(engine), pods: { labels: roleSelector(name, engine), port: enginePort[engine] } };
}

/** Label of pods that may use the store of a server. */
export const usesStoreLabel = "anypod.dev/uses-task-store";

const caFolder = "/etc/anypod/task-store";
const caEntry = "ca.crt";
const caFile = `${caFolder}/${caEntry}`;
const caVolume = "task-store-ca";

/** What a pod is given to use the store. */
export interface StoreUse {
  labels: Record<string, string>;
  env: EnvVar[];
  volumeMounts: object[];
  volumes: object[];
}

const noStoreUse: StoreUse = { labels: {}, env: [], volumeMounts: [], volumes: [] };

/** The variable with the URL; one that lacks something is completed by the kubelet. */
function urlEnv(name: string, { url, query }: StoreAccess): EnvVar[] {
  const valueFrom = { secretKeyRef: { name: url.name, key: url.key } };
  if (!query) return [{ name, valueFrom }];
  const part = "ANYPOD_TASK_STORE_URI";
  return [
    { name: part, valueFrom },
    { name, value: `$(${part})${query(caFile)}` },
  ];
}

export function storeUse({ metadata, spec }: McpServer, access: StoreAccess | undefined): StoreUse {
  if (!access || !spec.taskStore) return noStoreUse;
  const { ca, owner } = access;
  return {
    labels: { [usesStoreLabel]: owner },
    env: [
      ...urlEnv(spec.taskStore.envName, access),
      { name: "MCP_TASK_STORE_PREFIX", value: `${metadata.namespace}/${metadata.name}:` },
      ...(ca ? [{ name: "MCP_TASK_STORE_CA", value: caFile }] : []),
    ],
    volumeMounts: ca ? [{ name: caVolume, mountPath: caFolder, readOnly: true }] : [],
    volumes: ca ? [{ name: caVolume, secret: { secretName: ca.name, items: [{ key: ca.key, path: caEntry }] } }] : [],
  };
}
