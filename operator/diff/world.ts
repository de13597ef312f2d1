// What the operator knows of a server from its caches, read once for a single server.
import { managedByLabel, manager, serverLabel } from "../desired/labels.ts";
import { requestStateSecretName } from "../desired/request-state.ts";
import type { Client } from "../kube/client.ts";
import { isForbidden, isNotFound } from "../kube/errors.ts";
import { type ApiObject, collectionPath, type ObjectKey, type ResourceType } from "../kube/resource.ts";
import { keyOf } from "../kube/store.ts";
import { addressesOf, gatewayKeysOf } from "../reconcile/addresses.ts";
import {
  childKinds,
  configMaps,
  gatewayClasses,
  gateways,
  ingressClasses,
  mcpServers,
  secrets,
} from "../reconcile/kinds.ts";
import {
  type Child,
  type Config,
  configKey,
  type ObservedServer,
  observeChild,
  observeConfig,
  observeServer,
} from "../reconcile/observed.ts";
import {
  type ObservedClass,
  type ObservedGateway,
  observeClass,
  observeGateway,
} from "../reconcile/observed-gateways.ts";
import type { PlanContext } from "../reconcile/plan-server.ts";
import { storeSecretsOf } from "../reconcile/task-store.ts";

export interface World {
  caches: PlanContext["caches"];
  /** Every child as it is, by `kind/name`. */
  objects: ReadonlyMap<string, ApiObject>;
}

/** What the request answers; undefined when there is no such object, or when it may not be seen and needn't be. */
async function maybe<T>(asked: Promise<T>, needed: boolean): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error) || (isForbidden(error) && !needed)) return;
    throw error;
  }
}

/** A function's answers for a few arguments, asked beforehand. */
async function answers<T>(keys: string[], ask: (key: string) => Promise<T | undefined>): Promise<Map<string, T>> {
  const pairs = await Promise.all([...new Set(keys)].map(async (key) => [key, await ask(key)] as const));
  return new Map(pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

const split = (key: string): ObjectKey => {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
};

/** Reads all that a server's plan depends on. Throws ApiError when something may not be read. */
export async function lookAround(client: Client, server: ObservedServer): Promise<World> {
  const { namespace, name } = server.metadata;
  const get = (type: ResourceType, key: { namespace?: string; name: string }, needed: boolean) =>
    maybe(client.json<ApiObject>({ path: `${collectionPath(type, key.namespace)}/${key.name}` }), needed);
  const list = (type: ResourceType, scope: string | undefined, labelSelector?: string) =>
    client.json<{ items: ApiObject[] }>({ path: collectionPath(type, scope), query: { labelSelector } });

  const ours = `${serverLabel}=${name},${managedByLabel}=${manager}`;
  const absent = new Set<string>();
  async function childrenOf(type: ResourceType, optional: boolean): Promise<{ object: ApiObject; child: Child }[]> {
    const listed = await list(type, namespace, ours).catch((error) => {
      if (isNotFound(error)) absent.add(type.kind);
      // Where it matters, the dry run of a write says what right is missing.
      else if (!optional || !isForbidden(error)) throw error;
      return undefined;
    });
    const items = (listed?.items ?? []).map((item) => ({ ...item, apiVersion: type.apiVersion, kind: type.kind }));
    return items.flatMap((object) => {
      const child = observeChild(type.kind, object);
      return child ? [{ object, child }] : [];
    });
  }

  /** Those of the whole cluster, or, without that right, of the namespace: rivals for an address. */
  async function otherServers(): Promise<ObservedServer[]> {
    if (!server.spec?.routing) return [];
    const { items } = (await maybe(list(mcpServers, undefined), false)) ?? (await list(mcpServers, namespace));
    return items.map(observeServer);
  }

  const others = await readOthers();
  const storeOwner = others.find(({ metadata }) => metadata.name === server.spec?.taskStore?.ref?.name);
  const configKeys = [
    ...server.references.map(({ kind, name: referred }) => configKey(kind, { namespace, name: referred })),
    configKey(secrets.kind, { namespace, name: requestStateSecretName(server) }),
    ...storeSecretsOf(storeOwner ?? server).map((referred) => configKey(secrets.kind, { namespace, name: referred })),
  ];
  /** The servers whose store and whose collector this one uses, when they are others. */
  async function readOthers(): Promise<ObservedServer[]> {
    const { taskStore, telemetry } = server.spec ?? {};
    const names = new Set([taskStore?.ref, telemetry?.shared].flatMap((ref) => ref?.name ?? []));
    const objects = await Promise.all([...names].map((other) => get(mcpServers, { namespace, name: other }, true)));
    return objects.flatMap((object) => (object ? [observeServer(object)] : []));
  }
  const readConfig = async (key: string): Promise<Config | undefined> => {
    const [kind = "", , referred = ""] = key.split("/");
    const object = await get(kind === secrets.kind ? secrets : configMaps, { namespace, name: referred }, true);
    return object && observeConfig(kind, object);
  };
  const readGateway = async (key: string): Promise<ObservedGateway | undefined> => {
    const object = await get(gateways, split(key), false);
    return object && observeGateway(object);
  };
  const readClass = async (type: ResourceType, className: string): Promise<ObservedClass | undefined> => {
    const object = await get(type, { name: className }, false);
    return object && observeClass(object);
  };

  const kinds = [...childKinds, { type: secrets, optional: false }, { type: configMaps, optional: false }];
  const [found, configs, rivals, gatewaysByKey] = await Promise.all([
    Promise.all(kinds.map(({ type, optional }) => childrenOf(type, optional))),
    answers(configKeys, readConfig),
    otherServers(),
    answers(gatewayKeysOf(server), readGateway),
  ]);
  const ingressClass = server.spec?.routing?.ingress?.className;
  const classes = {
    GatewayClass: await answers(
      [...gatewaysByKey.values()].map(({ className }) => className),
      (className) => readClass(gatewayClasses, className),
    ),
    IngressClass: await answers(ingressClass === undefined ? [] : [ingressClass], (className) =>
      readClass(ingressClasses, className),
    ),
  };
  const children = found.flat();
  return {
    objects: new Map(children.map(({ object, child }) => [`${child.kind}/${child.name}`, object])),
    caches: {
      server: (key) => others.find(({ metadata }) => keyOf(metadata) === key),
      children: (key) => (key === keyOf(server.metadata) ? children.map(({ child }) => child) : []),
      config: (key) => configs.get(key),
      // They matter to when passwords are renewed, and that doesn't happen here.
      usersOf: () => [],
      serversAt: (address) => rivals.filter((rival) => addressesOf(rival).includes(address)),
      gateway: (key) => gatewaysByKey.get(key),
      controllerOf: (kind, className) => classes[kind].get(className)?.controller,
      sees: (kind) => !absent.has(kind),
    },
  };
}
