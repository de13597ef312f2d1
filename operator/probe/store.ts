// Asks a store of tasks whether it takes the login that its URL has. Errors never quote the URL: there is a password in it.
import type { Engine } from "../api/task-store.ts";
import type { StoreAnswer } from "../status/observed.ts";
import type { StoreTarget } from "./store-answer.ts";

const schemes: Record<Engine, string[]> = { redis: ["redis:", "rediss:"], postgresql: ["postgresql:", "postgres:"] };

/** What is wrong with the URL, without a word of it but its scheme; undefined when it is fine. */
function urlProblem(engine: Engine, url: string): string | undefined {
  const wanted = schemes[engine].map((scheme) => `${scheme}//`).join(" or ");
  const parsed = URL.parse(url);
  if (!parsed || !isEscaped(parsed))
    return `it is no URL: write ${wanted}user:password@host:port/database, with special characters as %XX`;
  if (!schemes[engine].includes(parsed.protocol)) return `it begins with ${parsed.protocol}// and not with ${wanted}`;
  return parsed.hostname === "" ? "it has no host" : undefined;
}

/** Whether every % in it begins an escape. */
function isEscaped({ username, password, hostname, pathname }: URL): boolean {
  try {
    return [username, password, hostname, pathname].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}

/** Asks the store; resolves within some seconds, whatever it does. Clients are loaded by those alone who have such a store. */
export async function askStore(engine: Engine, target: StoreTarget): Promise<StoreAnswer> {
  const problem = urlProblem(engine, target.url);
  if (problem !== undefined) return { ok: false, why: "url", said: problem };
  if (engine === "redis") return (await import("./redis.ts")).askRedis(target);
  return (await import("./postgresql.ts")).askPostgresql(target);
}
