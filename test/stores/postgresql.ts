// A real PostgreSQL, with a password, which speaks with TLS and without.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { postgresPrograms } from "../support/store-images.ts";
import { type Engine, engine, inFolder, outputOf, place } from "./engine.ts";

const password = "p@ss:w/rd#%41?";

export const makePostgres = (): Promise<Engine> => inFolder(make);

async function make(folder: string): Promise<Engine> {
  const { release, ...programs } = await postgresPrograms(console.log);
  const where = await place(folder, {
    ...programs,
    more: [`usr/lib/postgresql/${release}/lib`, `usr/share/postgresql/${release}`],
  });
  const [data, secret] = [join(folder, "data/pg"), join(folder, "password")];
  writeFileSync(secret, password);
  const login = ["--username=postgres", "--auth-host=scram-sha-256", "--auth-local=trust", `--pwfile=${secret}`];
  await outputOf(where.spawn("initdb", ["-D", data, ...login, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]));
  const sockets = join(folder, "data");
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(where.port),
    unix_socket_directories: sockets,
    fsync: "off",
    ssl: "on",
    ssl_cert_file: where.pki.file("server.crt"),
    ssl_key_file: where.pki.file("server.key"),
  };
  const args = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
  const connection = ["-h", sockets, "-p", String(where.port), "-U", "postgres"];
  return engine(where, {
    server: { program: "postgres", args: ["-D", data, ...args] },
    ask: (what) => ({ program: "psql", args: [...connection, "-At", "-c", what === "ready" ? "select 1" : what] }),
    answers: (output) => output === "1",
    url({ tls: host, password: given = password, user = "postgres", database = "postgres" } = {}) {
      const [address, query] = host ? [host, "?sslmode=verify-full"] : ["127.0.0.1", ""];
      return `postgresql://${user}:${encodeURIComponent(given)}@${address}:${where.port}/${database}${query}`;
    },
    password,
  });
}
