// The key ring for requestState: what one pod seals, every pod with the same ring unseals.
import { createRequestStateCodec, type RequestStateCodec } from "@modelcontextprotocol/server";

const LIFETIME_SECONDS = 600;

/** A codec whose `mint` uses the first key and whose `verify` accepts any of them, so that keys can be rotated. */
export function createRing(keys: readonly [Uint8Array, ...Uint8Array[]]): RequestStateCodec {
  const codecs = keys.map((key) => createRequestStateCodec({ key, ttlSeconds: LIFETIME_SECONDS }));
  const [sealing] = codecs;
  if (sealing === undefined) throw new Error("a ring needs a key");
  return {
    mint: sealing.mint,
    verify: async (state, context) => {
      let reason: unknown;
      for (const codec of codecs) {
        try {
          return await codec.verify(state, context);
        } catch (error) {
          reason = error;
        }
      }
      throw reason;
    },
  };
}
