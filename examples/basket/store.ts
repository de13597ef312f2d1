// Where baskets and tasks live. A record is a flat set of string fields under one key, so that two pods can add to it at
// the same time without reading it first. The implementations: memory, for one pod, and Redis, for many.
import type { Log } from "./log.ts";
import { openRedisStore } from "./store-redis.ts";

export type Fields = Record<string, string>;

export interface Store {
  /** Creates a record that lives for `lifetimeMs`; it can be read by every pod once the promise resolves. */
  create(key: string, fields: Fields, lifetimeMs: number): Promise<void>;
  /** Sets fields of a record, leaving the others alone. False: there is no such record, and none was made. */
  merge(key: string, fields: Fields): Promise<boolean>;
  read(key: string): Promise<Fields | undefined>;
  close(): Promise<void>;
}

/** Opens what MCP_TASK_STORE_URL names. Throws an Error when the scheme isn't one of ours. */
export function openStore(url: string | undefined, log: Log): Store {
  if (url === undefined) {
    log.warn("baskets and tasks are kept in memory: set MCP_TASK_STORE_URL before running more than one pod");
    return openMemoryStore();
  }
  const scheme = url.split(":", 1)[0];
  if (scheme === "redis" || scheme === "rediss") return openRedisStore(url, log);
  throw new Error(`MCP_TASK_STORE_URL must begin with redis:// or rediss://, not ${scheme}:`);
}

/** Records of this process only. */
export function openMemoryStore(now: () => number = Date.now): Store {
  const records = new Map<string, { fields: Fields; expires: number }>();
  const living = (key: string) => {
    const record = records.get(key);
    if (record !== undefined && record.expires <= now()) records.delete(key);
    return records.get(key);
  };
  return {
    create: async (key, fields, lifetimeMs) => {
      for (const old of records.keys()) living(old);
      records.set(key, { fields: { ...fields }, expires: now() + lifetimeMs });
    },
    merge: async (key, fields) => {
      const record = living(key);
      if (record !== undefined) Object.assign(record.fields, fields);
      return record !== undefined;
    },
    read: async (key) => {
      const record = living(key);
      return record && { ...record.fields };
    },
    close: async () => {},
  };
}
