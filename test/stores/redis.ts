// A real Redis, with a password, and a second port for TLS.
import { freePorts } from "../cluster/ports.ts";
import { redisPrograms } from "../support/store-images.ts";
import { type Engine, engine, inFolder, place } from "./engine.ts";

const password = "p@ss:w/rd#%41?";

export const makeRedis = (): Promise<Engine> => inFolder(make);

async function make(folder: string): Promise<Engine> {
  const where = await place(folder, await redisPrograms(console.log));
  const [tlsPort = 0] = await freePorts(1);
  const tls = [
    "--tls-port",
    String(tlsPort),
    "--tls-auth-clients",
    "no",
    "--tls-ca-cert-file",
    where.pki.file("ca.crt"),
  ];
  const pair = ["--tls-cert-file", where.pki.file("server.crt"), "--tls-key-file", where.pki.file("server.key")];
  const safe = [
    "--requirepass",
    password,
    "--bind",
    "127.0.0.1",
    "--appendonly",
    "yes",
    "--enable-debug-command",
    "yes",
  ];
  const login = ["-p", String(where.port), "-a", password, "--no-auth-warning"];
  return engine(where, {
    server: { program: "redis-server", args: ["--port", String(where.port), ...safe, ...tls, ...pair] },
    ask: (what) => ({ program: "redis-cli", args: [...login, ...(what === "ready" ? ["ping"] : what.split(" "))] }),
    answers: (output) => output === "PONG",
    url({ tls: host, password: given = password, user = "", database = "" } = {}) {
      const [scheme, address] = host ? ["rediss", `${host}:${tlsPort}`] : ["redis", `127.0.0.1:${where.port}`];
      return `${scheme}://${user}:${encodeURIComponent(given)}@${address}/${database}`;
    },
    password,
  });
}
