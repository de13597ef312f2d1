// Records as Redis hashes.
import { Redis } from "ioredis";
import type { Store } from "./store.ts";
import { LIMIT_MS, type Outages } from "./store-outage.ts";
import { type StoreTarget, tlsOptions } from "./store-url.ts";

// One script, so that a record which expires in this moment is not brought back without a lifetime.
const MERGE = `if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], unpack(ARGV))
return 1`;

/** Commands wait while it reconnects: a store that is away for a moment costs a call that moment, and nothing else. */
export function openRedisStore({ host, port, user, password, database, tls }: StoreTarget, outages: Outages): Store {
  const redis = new Redis({
    host,
    port,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    db: Number(database ?? 0),
    ...(tls && { tls: tlsOptions(tls) }),
    connectTimeout: LIMIT_MS / 2,
    commandTimeout: LIMIT_MS,
    // A connection that takes commands and doesn't answer is given up.
    socketTimeout: LIMIT_MS,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2000),
    // What waits is let go of now and then, or a long outage would fill the memory with commands that nobody awaits.
    maxRetriesPerRequest: 8,
    // A replica that was promoted, and the old primary, tell it so; 2 sends the command again.
    reconnectOnError: ({ message }) => (message.startsWith("READONLY") ? 2 : false),
  });
  redis.on("error", outages.failed);
  redis.on("ready", outages.working);
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
      if (redis.status === "ready") await redis.quit().catch(() => undefined);
      redis.disconnect();
    },
  };
}
