// Records as rows of one table in PostgreSQL, each with its fields as JSON and the time at which it ends.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Fields, Store } from "./store.ts";
import { LIMIT_MS, type Outages } from "./store-outage.ts";
import { type StoreTarget, tlsOptions } from "./store-url.ts";

const SWEEP_EVERY_MS = 60_000;

// Asked first, as a user who may only read and write rows can't say CREATE TABLE IF NOT EXISTS, not even when it does.
const EXISTS = "SELECT to_regclass('mcp_task_store') IS NOT NULL AS it";
// One transaction. The lock is for pods that start at the same moment: IF NOT EXISTS alone fails for all but one of them.
const CREATE = `SELECT pg_advisory_xact_lock(7091620260728);
CREATE TABLE IF NOT EXISTS mcp_task_store (key text PRIMARY KEY, fields jsonb NOT NULL, expires_at timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS mcp_task_store_expires_at ON mcp_task_store (expires_at)`;
const INSERT = `INSERT INTO mcp_task_store VALUES ($1, $2, now() + $3 * interval '1 millisecond')
ON CONFLICT (key) DO UPDATE SET fields = EXCLUDED.fields, expires_at = EXCLUDED.expires_at`;
const MERGE = "UPDATE mcp_task_store SET fields = fields || $2 WHERE key = $1 AND expires_at > now()";
const READ = "SELECT fields FROM mcp_task_store WHERE key = $1 AND expires_at > now()";
// Few at a time, and none that another pod is just removing.
const SWEEP = `DELETE FROM mcp_task_store WHERE key IN
(SELECT key FROM mcp_task_store WHERE expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)`;

type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;

export function openPostgresStore(target: StoreTarget, outages: Outages): Store {
  const pool = openPool(target);
  // Connections that nobody uses break too; the pool replaces them.
  pool.on("error", outages.failed);
  let hasTable = false;
  const ensureTable = async () => {
    if (hasTable) return;
    const { rows } = await pool.query(EXISTS);
    if (!rows[0].it) await pool.query(CREATE);
    hasTable = true;
  };
  const query: Query = (sql, values) =>
    patiently(async () => {
      await ensureTable();
      return await pool.query(sql, values).catch((error: unknown) => {
        // Somebody has emptied the database, or given us another one.
        if (codeOf(error) === UNDEFINED_TABLE) hasTable = false;
        throw error;
      });
    });
  const endSweeping = sweepEvery(SWEEP_EVERY_MS, () => query(SWEEP).then(outages.working, outages.failed));
  return {
    create: async (key, fields, lifetimeMs) => {
      await query(INSERT, [escaped(key), toJson(fields), Math.ceil(lifetimeMs)]);
    },
    merge: async (key, fields) => (await query(MERGE, [escaped(key), toJson(fields)])).rowCount === 1,
    read: async (key) => {
      const { rows } = await query(READ, [escaped(key)]);
      return rows[0] && fromJson(rows[0].fields);
    },
    close: async () => {
      endSweeping();
      await pool.end();
    },
  };
}

function openPool({ host, port, user, password, database, tls }: StoreTarget): pg.Pool {
  return new pg.Pool({
    host,
    port,
    user,
    password,
    database,
    ssl: tls ? tlsOptions(tls) : false,
    application_name: "mcp-task-store",
    max: 10,
    connectionTimeoutMillis: LIMIT_MS / 2,
    query_timeout: LIMIT_MS,
    keepAlive: true,
    // A server that was told to end must not wait for these.
    allowExitOnIdle: true,
  });
}

const UNDEFINED_TABLE = "42P01";

/**
 * Tries again, less and less often, as long as the call may take: a server that restarts or hands over to another one costs a
 * call a moment. All our statements may be done twice.
 */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  for (let pause = 50; ; pause *= 2) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(codeOf(error)) || Date.now() - start + pause > LIMIT_MS) throw error;
      await sleep(pause);
    }
  }
}

/**
 * Whether another attempt may go better. None: the connection broke, or wasn't made. 08: so it did; 57P: the server is starting or
 * ending; 25006: it is only a replica now; 40: two pods were in each other's way; 53300: too many connections; 42P01: the table
 * is to be made again.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isPassing(code: string): boolean {
  return code === "" || /^(08|57P|25006|40|53300|42P01)/.test(code);
}

/** Its SQLSTATE; empty for what the server didn't say. */
function codeOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? "") : "";
}

/** Also at once, which is what makes the first connection and tells the log of it. */
function sweepEvery(everyMs: number, sweep: () => void): () => void {
  sweep();
  const timer = setInterval(sweep, everyMs).unref();
  return () => clearInterval(timer);
}

// PostgreSQL's text and JSON know neither NUL nor half a surrogate pair, and clients may send both.
const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
const unescaped = (text: string) => JSON.parse(`"${text}"`) as string;

function toJson(fields: Fields): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).map((field) => field.map(escaped))));
}

function fromJson(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map((field) => field.map(unescaped)));
}
