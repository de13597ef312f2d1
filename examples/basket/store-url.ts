// What MCP_TASK_STORE_URL and MCP_TASK_STORE_CA say. No error of this file quotes the URL: there is a password in it.
import { readFileSync } from "node:fs";

export interface StoreSettings {
  readonly url: string;
  /** In front of every key, so that several servers can share one store. */
  readonly prefix: string;
  /** The path of a file with the certificates, in PEM, that the store's own must come from; the system's when left out. */
  readonly caFile: string | undefined;
}

/** How a connection is encrypted. */
export interface StoreTls {
  readonly ca?: string;
  /** Whether the store's certificate must come from the CA, and whether it must be for the store's hostname too. */
  readonly verify: "nothing" | "ca" | "full";
}

export interface StoreTarget {
  readonly kind: "redis" | "postgresql";
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Nothing: the connection isn't encrypted. */
  readonly tls: StoreTls | undefined;
}

const kinds = { redis: "redis", rediss: "redis", postgresql: "postgresql", postgres: "postgresql" } as const;
const usualPorts = { redis: 6379, postgresql: 5432 };

/** Throws an Error that says what is wrong, and never what the URL is. */
export function parseStoreUrl({ url, caFile }: StoreSettings): StoreTarget {
  const scheme = schemeOf(url);
  const kind = kinds[scheme];
  const { hostname, port, username, password, pathname, searchParams } = parsed(url);
  const ca = caFile === undefined ? undefined : readCa(caFile);
  const verify = kind === "redis" ? redisTls(scheme) : postgresTls(searchParams.get("sslmode"), ca);
  const text = (part: string) => decodeURIComponent(part) || undefined;
  return {
    kind,
    host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || usualPorts[kind]),
    user: text(username),
    password: text(password),
    database: databaseOf(kind, text(pathname.slice(1))),
    tls: verify && { ...(ca !== undefined && { ca }), verify },
  };
}

function schemeOf(url: string): keyof typeof kinds {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "";
  if (scheme in kinds) return scheme as keyof typeof kinds;
  const found = scheme === "" ? "" : `, not ${scheme}://`;
  throw new Error(`MCP_TASK_STORE_URL must begin with redis://, rediss:// or postgresql://${found}`);
}

function parsed(url: string): URL {
  try {
    const result = new URL(url);
    for (const part of [result.username, result.password, result.hostname, result.pathname]) decodeURIComponent(part);
    if (result.hostname !== "") return result;
  } catch {
    // Its message may have the URL in it.
  }
  throw new Error(
    "MCP_TASK_STORE_URL must have the form scheme://user:password@host:port/database, with special characters as %XX",
  );
}

function databaseOf(kind: StoreTarget["kind"], name: string | undefined): string | undefined {
  if (kind === "postgresql" || name === undefined || /^\d+$/.test(name)) return name;
  throw new Error("MCP_TASK_STORE_URL: Redis has databases by number, such as redis://host:6379/0");
}

function readCa(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`MCP_TASK_STORE_CA: the file ${file} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const redisTls = (scheme: string) => (scheme === "rediss" ? ("full" as const) : undefined);

/** As libpq does, but without TLS unless it is asked for: https://www.postgresql.org/docs/current/libpq-ssl.html */
function postgresTls(mode: string | null, ca: string | undefined): StoreTls["verify"] | undefined {
  switch (mode) {
    case null:
    case "disable":
    case "allow":
    case "prefer":
      return;
    case "require":
      return ca === undefined ? "nothing" : "ca";
    case "verify-ca":
      return "ca";
    case "verify-full":
      return "full";
    default:
      throw new Error("MCP_TASK_STORE_URL: sslmode must be disable, require, verify-ca or verify-full");
  }
}

/** The same for Node's TLS. */
export function tlsOptions({ ca, verify }: StoreTls) {
  return {
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: verify !== "nothing",
    ...(verify === "ca" && { checkServerIdentity: () => undefined }),
  };
}
