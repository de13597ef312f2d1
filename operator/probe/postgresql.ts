// Asks PostgreSQL.
import pg from "pg";
import type { StoreAnswer } from "../status/observed.ts";
import { patience } from "./http.ts";
import { codeOf, isAboutCertificate, type StoreTarget } from "./store-answer.ts";

export async function askPostgresql({ url, ca }: StoreTarget): Promise<StoreAnswer> {
  const client = new pg.Client({
    ...connectionOf(url, ca),
    application_name: "anypod",
    connectionTimeoutMillis: patience,
    query_timeout: patience,
  });
  // A connection that breaks later is no news.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return { ok: true };
  } catch (error) {
    return answerOf(error);
  } finally {
    void client.end().catch(() => {});
  }
}

/** The URL's parameters are for the server's own client: what they say of TLS is said here, and no file of theirs is read. */
function connectionOf(url: string, ca: string | undefined): pg.ClientConfig {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const mode = searchParams.get("sslmode") ?? "prefer";
  const checks = /^verify-/.test(mode) || (mode === "require" && ca !== undefined);
  const ssl = ["disable", "allow", "prefer"].includes(mode)
    ? false
    : {
        ...(ca !== undefined && { ca }),
        rejectUnauthorized: checks,
        ...(mode !== "verify-full" && { checkServerIdentity: () => undefined }),
      };
  return {
    host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || 5432),
    user: decodeURIComponent(username) || "postgres",
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username) || "postgres",
    ssl,
  };
}

/** 28: the login is refused; 3D: there is no such database; 42501: it may not be used. */
function answerOf(error: unknown): StoreAnswer {
  const code = codeOf(error);
  const isFromServer = error instanceof pg.DatabaseError;
  if (isFromServer && /^(28|3D|42501)/.test(code)) return { ok: false, why: "refused", said: error.message };
  if (isFromServer) return { ok: false, why: "failing", said: error.message };
  if (isAboutCertificate(code)) return { ok: false, why: "certificate", said: code };
  return { ok: false, why: "unreachable", said: code || (error as Error).message };
}
