// Records of this process only.
import type { Fields, Store } from "./store.ts";

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
