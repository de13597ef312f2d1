// Everything that the operator watches, in stores, and which server a change concerns.
import { managedByLabel, manager, serverLabel } from "../desired/labels.ts";
import type { Client } from "../kube/client.ts";
import type { Discovery } from "../kube/discovery.ts";
import { createIntern } from "../kube/intern.ts";
import { type ApiObject, collectionPath, type ResourceType } from "../kube/resource.ts";
import { createStore, keyOf, type Store } from "../kube/store.ts";
import { follow, type Source } from "../kube/watch.ts";
import { childKinds, configMaps, deployments, mcpServers, pods, secrets } from "./kinds.ts";
import {
  type Child,
  type Config,
  configKey,
  type ObservedPod,
  type ObservedServer,
  observeChild,
  observeConfig,
  observePod,
  observeServer,
} from "./observed.ts";

export interface Caches {
  server(key: string): ObservedServer | undefined;
  servers(): Iterable<ObservedServer>;
  /** All that anypod made for the server of this key. */
  children(serverKey: string): Child[];
  podProblems(serverKey: string): ObservedPod[];
  config(key: string): Config | undefined;
  /** Takes what a write answered, before the watch tells; no server is looked at again for it. */
  written(object: ApiObject): void;
  deleted(child: Child): void;
  /** Resolves when every kind has been listed once. */
  synced: Promise<void>;
}

export interface CacheOptions {
  client: Client;
  discovery: Discovery;
  /** Empty: all. */
  namespaces: string[];
  /** Label selector of the servers to look after; undefined: all. */
  selector: string | undefined;
  /** A server may have to be looked at again. */
  changed: (serverKey: string) => void;
  /** A watch broke; it is tried again. */
  failed: (kind: string, error: unknown) => void;
  signal: AbortSignal;
}

const serverKeyOf = ({ namespace, server }: { namespace: string; server: string }) => `${namespace}/${server}`;

/** Keys of the Secrets and ConfigMaps that a server refers to. */
const referenceKeys = ({ metadata, references }: ObservedServer) =>
  references.map(({ kind, name }) => configKey(kind, { namespace: metadata.namespace, name }));

export function startCaches({
  client,
  discovery,
  namespaces,
  selector,
  changed,
  failed,
  signal,
}: CacheOptions): Caches {
  const intern = createIntern();
  const servers = createStore<ObservedServer>({
    project: observeServer,
    indexBy: referenceKeys,
    changed: (before, after) => {
      const server = after ?? before;
      if (server) changed(keyOf(server.metadata));
    },
  });
  const ofServer = {
    indexBy: (value: { namespace: string; server: string }) => [serverKeyOf(value)],
    // Both, as somebody may have changed the label that says whose it is.
    changed: (before: Child | ObservedPod | undefined, after: Child | ObservedPod | undefined) => {
      const keys = [before, after].flatMap((value) => (value ? [serverKeyOf(value)] : []));
      for (const key of new Set(keys)) changed(key);
    },
  };
  const childStores = new Map(
    [...childKinds, deployments].map((type) => [
      type.kind,
      createStore<Child>({ project: (object) => observeChild(type.kind, object, intern), ...ofServer }),
    ]),
  );
  const podStore = createStore<ObservedPod>({ project: observePod, ...ofServer });
  const configStores = new Map(
    [secrets, configMaps].map((type) => [
      type.kind,
      createStore<Config>({
        project: (object) => observeConfig(type.kind, object, intern),
        indexBy: ({ child }) => (child ? [serverKeyOf(child)] : []),
        changed: (before, after) => {
          const key = (after ?? before)?.key ?? "";
          ofServer.changed(before?.child, after?.child);
          for (const server of servers.withIndex(key)) changed(keyOf(server.metadata));
        },
      }),
    ]),
  );

  const listed: Promise<void>[] = [];
  /** One watch a kind, or one a kind and namespace. */
  function watchKind<T>(type: ResourceType, store: Store<T>, options: Omit<Source, "path">) {
    const scopes = namespaces.length === 0 ? [undefined] : namespaces;
    for (const namespace of scopes) {
      const first = Promise.withResolvers<void>();
      listed.push(first.promise);
      const sink = {
        set: (object: ApiObject) => {
          try {
            store.set(object);
          } catch (error) {
            // An object that can't be made sense of must not hold up the others of its kind.
            failed(type.kind, error);
          }
        },
        remove: store.remove,
        listed: (present: ReadonlySet<string>) => {
          store.keepOnly(present, namespace);
          first.resolve();
        },
        failed: (error: unknown) => failed(type.kind, error),
      };
      void follow(client, { path: collectionPath(type, namespace), ...options }, sink, signal);
    }
  }

  const ours = { labelSelector: `${managedByLabel}=${manager},${serverLabel}` };
  watchKind(mcpServers, servers, {
    labelSelector: selector,
    mayHaveCome: (aborted) => discovery.mayHaveCome(mcpServers, aborted),
  });
  watchKind(pods, podStore, ours);
  for (const type of [...childKinds, deployments]) {
    const store = childStores.get(type.kind);
    if (store) watchKind(type, store, { ...ours, metadataOnly: type !== deployments });
  }
  for (const type of [secrets, configMaps]) {
    const store = configStores.get(type.kind);
    if (store) watchKind(type, store, { metadataOnly: true });
  }

  const storeOf = (kind: string): Store<unknown> | undefined =>
    kind === mcpServers.kind ? servers : (childStores.get(kind) ?? configStores.get(kind));

  return {
    server: servers.get,
    servers: servers.values,
    children: (key) => [
      ...[...childStores.values()].flatMap((store) => store.withIndex(key)),
      ...(configStores.get(secrets.kind)?.withIndex(key) ?? []).flatMap(({ child }) => child ?? []),
    ],
    podProblems: podStore.withIndex,
    config: (key) => {
      const [kind = "", namespace = "", name = ""] = key.split("/");
      return configStores.get(kind)?.get(keyOf({ namespace, name }));
    },
    written: (object) => storeOf(object.kind)?.written(object),
    deleted: (child) => storeOf(child.kind)?.remove({ metadata: child }),
    synced: Promise.all(listed).then(() => {}),
  };
}
