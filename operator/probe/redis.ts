// Asks Redis.
import { Redis } from "ioredis";
import type { StoreAnswer } from "../status/observed.ts";
import { patience } from "./http.ts";
import { codeOf, isAboutCertificate, type StoreTarget } from "./store-answer.ts";

/** PING is answered with the error that writes would get, when the disk is full. */
export async function askRedis({ url, ca }: StoreTarget): Promise<StoreAnswer> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: patience,
    commandTimeout: patience,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    // With any options of TLS, it would speak TLS, whatever the scheme.
    ...(ca !== undefined && URL.parse(url)?.protocol === "rediss:" && { tls: { ca } }),
  });
  let broke: unknown;
  redis.on("error", (error) => (broke = error));
  try {
    await redis.connect();
    await redis.ping();
    // A database that isn't there holds up no command: the client only tells of it.
    return broke === undefined ? { ok: true } : answerOf(broke);
  } catch (error) {
    return answerOf(broke ?? error);
  } finally {
    redis.disconnect();
  }
}

function answerOf(error: unknown): StoreAnswer {
  const { message } = error as Error;
  const code = codeOf(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(message))
    return { ok: false, why: "refused", said: message };
  if (isAboutCertificate(code)) return { ok: false, why: "certificate", said: code };
  // An error that the engine itself has words for, such as MISCONF, LOADING or OOM.
  if (/^[A-Z]{3,} /.test(message) && code === "") return { ok: false, why: "failing", said: message };
  return { ok: false, why: "unreachable", said: code || "no answer" };
}
