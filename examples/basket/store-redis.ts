// Records as Redis hashes: the store that all pods of a server share.
import { Redis } from "ioredis";
import type { Log } from "./log.ts";
import type { Store } from "./store.ts";

// One script, so that a record which expires in this moment is not brought back without a lifetime.
const MERGE = `if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], unpack(ARGV))
return 1`;

/** Connects in the background: a store that is away makes calls fail after a few seconds, not the pod. */
export function openRedisStore(url: string, log: Log): Store {
  const redis = new Redis(url, { keyPrefix: "basket:", maxRetriesPerRequest: 3, connectTimeout: 5000 });
  redis.on("error", (error: Error) => log.warn({ error: error.message }, "store connection failed"));
  redis.on("ready", () => log.info("store connected"));
  return {
    create: async (key, fields, lifetimeMs) => {
      const replies = await redis.multi().hset(key, fields).pexpire(key, Math.ceil(lifetimeMs)).exec();
      const failure = replies?.find(([error]) => error)?.[0];
      if (failure) throw failure;
    },
    merge: async (key, fields) => (await redis.eval(MERGE, 1, key, ...Object.entries(fields).flat())) === 1,
    read: async (key) => {
      const fields = await redis.hgetall(key);
      return Object.keys(fields).length > 0 ? fields : undefined;
    },
    close: async () => {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}
