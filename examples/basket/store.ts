// Where baskets and tasks live. A record is a flat set of string fields under one key, so that two pods can add to it at
// the same time without reading it first. The implementations: memory, for one pod; Redis and PostgreSQL, for many.
import type { Log } from "./log.ts";
import { openMemoryStore } from "./store-memory.ts";
import { bounded, watchOutages } from "./store-outage.ts";
import { openPostgresStore } from "./store-postgresql.ts";
import { openRedisStore } from "./store-redis.ts";
import { parseStoreUrl, type StoreSettings } from "./store-url.ts";

export type Fields = Record<string, string>;

export interface Store {
  /** Creates a record that lives for `lifetimeMs`; it can be read by every pod once the promise resolves. */
  create(key: string, fields: Fields, lifetimeMs: number): Promise<void>;
  /** Sets fields of a record, leaving the others alone. False: there is no such record, and none was made. */
  merge(key: string, fields: Fields): Promise<boolean>;
  read(key: string): Promise<Fields | undefined>;
  close(): Promise<void>;
}

/**
 * Opens what MCP_TASK_STORE_URL names, and connects in the background: while a store is away, calls that need it fail after a
 * few seconds with a `StoreError`, and the pod lives on. Throws an Error when the settings are wrong.
 */
export function openStore(settings: StoreSettings | undefined, log: Log): Store {
  if (settings === undefined) {
    log.warn("baskets and tasks are kept in memory: set MCP_TASK_STORE_URL before running more than one pod");
    return openMemoryStore();
  }
  const target = parseStoreUrl(settings);
  const outages = watchOutages(log);
  const store = target.kind === "redis" ? openRedisStore(target, outages) : openPostgresStore(target, outages);
  // "basket:" is older than the prefix: without one, records stay where earlier versions left them.
  return bounded(withPrefix(store, `${settings.prefix}basket:`), outages);
}

function withPrefix(store: Store, prefix: string): Store {
  return {
    create: (key, fields, lifetimeMs) => store.create(prefix + key, fields, lifetimeMs),
    merge: (key, fields) => store.merge(prefix + key, fields),
    read: (key) => store.read(prefix + key),
    close: store.close,
  };
}
