// Everything that the operator watches, in stores, and which server a change concerns.
import { managedByLabel, manager, serverLabel } from "../desired/labels.ts";
import type { Client } from "../kube/client.ts";
import type { Discovery } from "../kube/discovery.ts";
import { isForbidden, isNotFound } from "../kube/errors.ts";
import { createIntern } from "../kube/intern.ts";
import { type ApiObject, collectionPath, type ResourceType } from "../kube/resource.ts";
import { createStore, keyOf, type Store } from "../kube/store.ts";
import { follow, type Sink, type Source } from "../kube/watch.ts";
import { addressesOf, gatewayKeysOf } from "./addresses.ts";
import {
  childKinds,
  configMaps,
  gatewayClasses,
  gateways,
  ingressClasses,
  mcpServers,
  pods,
  secrets,
} from "./kinds.ts";
import {
  type Child,
  type Config,
  configKey,
  type ObservedServer,
  observeChild,
  observeConfig,
  observeServer,
} from "./observed.ts";
import { type ObservedClass, type ObservedGateway, observeClass, observeGateway } from "./observed-gateways.ts";
import { type ObservedPod, observePod } from "./observed-pods.ts";
import { storeSecretsOf } from "./task-store.ts";

export interface Caches {
  server(key: string): ObservedServer | undefined;
  servers(): Iterable<ObservedServer>;
  /** All that anypod made for the server of this key. */
  children(serverKey: string): Child[];
  podProblems(serverKey: string): ObservedPod[];
  config(key: string): Config | undefined;
  /** Servers that use the store or the collector of the server of this key. */
  usersOf(serverKey: string): ObservedServer[];
  /** Servers that want one of these addresses: see `addressesOf`. */
  serversAt(address: string): ObservedServer[];
  gateway(key: string): ObservedGateway | undefined;
  /** `controllerName` of a GatewayClass, `controller` of an IngressClass; undefined when there is none or it can't be seen. */
  controllerOf(kind: "GatewayClass" | "IngressClass", name: string): string | undefined;
  /** Whether the API server has the kind, and lets this process see it, in this namespace if one is given. */
  sees(kind: string, namespace?: string): boolean;
  /** Takes what a write answered, before the watch tells; only servers that use the written one's store are looked at again. */
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
  /** There is no such server any more. */
  gone: (server: ObservedServer) => void;
  /** A watch broke; it is tried again. */
  failed: (kind: string, error: unknown) => void;
  /** This process has no right to a kind that it can do without; it is asked for again now and then. */
  unseen: (kind: string) => void;
  signal: AbortSignal;
}

/** `scoped: false` is for kinds without a namespace. */
type WatchOptions = Omit<Source, "path"> & { scoped?: boolean };

const serverKeyOf = ({ namespace, server }: { namespace: string; server: string }) => `${namespace}/${server}`;

const serverIndexKey = (key: string) => `${mcpServers.kind}/${key}`;
/** The servers whose store and whose collector it uses. */
const otherServersOf = ({ spec, metadata: { namespace } }: ObservedServer) =>
  [spec?.taskStore?.ref, spec?.telemetry?.shared].flatMap((ref) => (ref ? [keyOf({ namespace, name: ref.name })] : []));
const headersSecretOf = ({ spec, metadata: { namespace } }: ObservedServer) => {
  const name = spec?.telemetry?.endpoint?.headersSecretRef?.name;
  return name === undefined ? [] : [configKey("Secret", { namespace, name })];
};

/**
 * What a server is looked up by: Secrets, ConfigMaps and Gateways that it refers to, servers whose store or collector it uses,
 * and the addresses that it wants.
 */
const serverIndex = (server: ObservedServer) => [
  ...storeSecretsOf(server).map((name) => configKey("Secret", { namespace: server.metadata.namespace, name })),
  ...server.references.map(({ kind, name }) => configKey(kind, { namespace: server.metadata.namespace, name })),
  ...gatewayKeysOf(server).map((key) => `Gateway/${key}`),
  ...otherServersOf(server).map((key) => serverIndexKey(key)),
  ...headersSecretOf(server),
  ...addressesOf(server),
];

interface Hears {
  /** What the store holds of it; all when not given. */
  namespace: string | undefined;
  listed: () => void;
  absent: () => void;
  failed: (error: unknown) => void;
}

/** Takes what is watched into a store. */
function sinkOf<T>(store: Store<T>, { namespace, listed, absent, failed }: Hears): Sink {
  return {
    set: (object) => {
      try {
        store.set(object);
      } catch (error) {
        // An object that can't be made sense of must not hold up the others of its kind.
        failed(error);
      }
    },
    remove: store.remove,
    listed: (present) => {
      store.keepOnly(present, namespace);
      listed();
    },
    absent: () => {
      store.keepOnly(new Set(), namespace);
      absent();
    },
    failed,
  };
}

export function startCaches({
  client,
  discovery,
  namespaces,
  selector,
  changed,
  gone,
  failed,
  unseen,
  signal,
}: CacheOptions): Caches {
  const intern = createIntern();
  const servers = createStore<ObservedServer>({
    project: observeServer,
    indexBy: serverIndex,
    changed: (before, after) => {
      const server = after ?? before;
      if (!server) return;
      const own = keyOf(server.metadata);
      changed(own);
      if (!after) gone(server);
      for (const user of servers.withIndex(serverIndexKey(own))) changed(keyOf(user.metadata));
      // Whoever else wants one of its addresses may have lost it, or have it now.
      const addresses = [before, after].flatMap((each) => (each ? addressesOf(each) : []));
      for (const address of new Set(addresses)) tellAll(servers.withIndex(address));
    },
  });
  const tellAll = (found: Iterable<ObservedServer>) => {
    for (const { metadata } of found) changed(keyOf(metadata));
  };
  const tellRouted = () => tellAll([...servers.values()].filter(({ spec }) => spec?.routing));
  /** A kind has come or gone: those may be waiting for it, or have to say that they are. */
  const tellEverybody = () => tellAll(servers.values());
  const ofServer = {
    indexBy: (value: { namespace: string; server: string }) => [serverKeyOf(value)],
    // Both, as somebody may have changed the label that says whose it is.
    changed: (before: Child | ObservedPod | undefined, after: Child | ObservedPod | undefined) => {
      const keys = [before, after].flatMap((value) => (value ? [serverKeyOf(value)] : []));
      for (const key of new Set(keys)) changed(key);
    },
  };
  const childStores = new Map(
    childKinds.map(({ type }) => [
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
          for (const { metadata } of servers.withIndex(key)) {
            changed(keyOf(metadata));
            tellAll(servers.withIndex(serverIndexKey(keyOf(metadata))));
          }
        },
      }),
    ]),
  );

  const gatewayStore = createStore<ObservedGateway>({
    project: observeGateway,
    changed: (before, after) => {
      const key = (after ?? before)?.key ?? "";
      tellAll(servers.withIndex(`Gateway/${key}`));
    },
  });
  const classStores = new Map(
    [gatewayClasses, ingressClasses].map((type) => [
      type.kind,
      createStore<ObservedClass>({ project: observeClass, changed: tellRouted }),
    ]),
  );

  const listed: Promise<void>[] = [];
  const absent = new Set<string>();
  const failedOptional = (type: ResourceType) => (error: unknown) => {
    if (isForbidden(error)) unseen(type.kind);
    else if (!isNotFound(error)) failed(type.kind, error);
  };
  /** One watch a kind, or one a kind and namespace. */
  function watchKind<T>(type: ResourceType, store: Store<T>, { scoped = true, ...options }: WatchOptions) {
    const scopes = namespaces.length === 0 || !scoped ? [undefined] : namespaces;
    for (const namespace of scopes) {
      const first = Promise.withResolvers<void>();
      listed.push(first.promise);
      const sink = sinkOf(store, {
        namespace,
        listed: () => {
          first.resolve();
          if (absent.delete(type.kind)) tellEverybody();
        },
        absent: () => {
          first.resolve();
          if (!absent.has(type.kind)) tellEverybody();
          absent.add(type.kind);
        },
        failed: options.mayHaveCome && type !== mcpServers ? failedOptional(type) : (error) => failed(type.kind, error),
      });
      void follow(client, { path: collectionPath(type, namespace), ...options }, sink, signal);
    }
  }

  const mayHaveCome = (type: ResourceType) => ({
    mayHaveCome: (aborted: AbortSignal) => discovery.mayHaveCome(type, aborted),
  });
  const ours = { labelSelector: `${managedByLabel}=${manager},${serverLabel}` };
  watchKind(mcpServers, servers, {
    labelSelector: selector,
    ...mayHaveCome(mcpServers),
  });
  // Pods of other operators have our label of the server too, where they hand labels on, and say who manages them.
  watchKind(pods, podStore, { labelSelector: serverLabel });
  for (const { type, optional, whole } of childKinds) {
    const store = childStores.get(type.kind);
    if (store) watchKind(type, store, { ...ours, metadataOnly: !whole, ...(optional && mayHaveCome(type)) });
  }
  for (const type of [secrets, configMaps]) {
    const store = configStores.get(type.kind);
    if (store) watchKind(type, store, { metadataOnly: true });
  }
  watchKind(gateways, gatewayStore, mayHaveCome(gateways));
  for (const type of [gatewayClasses, ingressClasses]) {
    const store = classStores.get(type.kind);
    if (store) watchKind(type, store, { scoped: false, ...mayHaveCome(type) });
  }

  const storeOf = (kind: string): Store<unknown> | undefined =>
    kind === mcpServers.kind ? servers : (childStores.get(kind) ?? configStores.get(kind));

  return {
    server: servers.get,
    servers: servers.values,
    children: (key) => [
      ...[...childStores.values()].flatMap((store) => store.withIndex(key)),
      ...[...configStores.values()].flatMap((store) => [...store.withIndex(key)].flatMap(({ child }) => child ?? [])),
    ],
    podProblems: podStore.withIndex,
    config: (key) => {
      const [kind = "", namespace = "", name = ""] = key.split("/");
      return configStores.get(kind)?.get(keyOf({ namespace, name }));
    },
    usersOf: (key) => servers.withIndex(serverIndexKey(key)),
    serversAt: servers.withIndex,
    gateway: gatewayStore.get,
    controllerOf: (kind, name) => classStores.get(kind)?.get(keyOf({ namespace: "", name }))?.controller,
    sees: (kind, namespace) =>
      !absent.has(kind) && (namespace === undefined || namespaces.length === 0 || namespaces.includes(namespace)),
    written: (object) => {
      storeOf(object.kind)?.written(object);
      // The watch brings nothing new then, and they go by what its status says.
      if (object.kind === mcpServers.kind) tellAll(servers.withIndex(serverIndexKey(keyOf(object.metadata))));
    },
    deleted: (child) => storeOf(child.kind)?.remove({ metadata: child }),
    synced: Promise.all(listed).then(() => {}),
  };
}
