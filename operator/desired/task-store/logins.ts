// The Secret with a store's passwords and its URL. The passwords are a ring (see ring.ts): the store takes all of them, the
// server's pods use the first, so that a new one locks nobody out.
import type { McpServer } from "../../api/mcpserver.ts";
import type { Engine } from "../../api/task-store.ts";
import { hashOf, type KubeObject, ofRole } from "../object.ts";
import {
  acceptedHashAnnotation,
  generated,
  keysEntry,
  type Ring,
  type RingKeys,
  ringAnnotations,
  usedHashAnnotation,
} from "../ring.ts";
import {
  database,
  enginePort,
  type LoginsOf,
  loginsEntry,
  loginsSecretName,
  passwordEntry,
  urlEntry,
} from "./names.ts";

interface Login {
  user: string;
  password: string;
}

/** A password needs no escape, neither in a URL nor in a shell. */
function loginOf(engine: Engine, key: string): Login {
  const password = Buffer.from(key, "base64").toString("base64url");
  // Redis takes several passwords for one user, PostgreSQL doesn't.
  return { user: engine === "redis" ? "default" : `${database}_${hashOf(["user", key])}`, password };
}

const scheme: Record<Engine, string> = { redis: "redis", postgresql: "postgresql" };
const path: Record<Engine, string> = { redis: "0", postgresql: database };

function dataOf(keys: RingKeys, engine: Engine, host: string): Record<string, string> {
  const logins = keys.map((key) => loginOf(engine, key));
  const [{ user, password }] = logins as [Login];
  return {
    [keysEntry]: keys.join(","),
    [loginsEntry]: logins.map((login) => `${login.user}:${login.password}`).join(" "),
    [passwordEntry]: password,
    [urlEntry]: `${scheme[engine]}://${user}:${password}@${host}:${enginePort[engine]}/${path[engine]}`,
  };
}

const mapValues = (values: Record<string, string>, change: (value: string) => string) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));

/** What the passwords are for, and the Service that stands before it. */
export interface LoginTarget {
  of: LoginsOf;
  service: string;
  /** Whether it outlives the server, as what takes the passwords does. */
  isKept?: boolean;
}

export function loginsSecret(server: McpServer, { of, service, isKept = false }: LoginTarget, ring: Ring): KubeObject {
  const engine = of === "replication" ? "redis" : of;
  const { name, namespace } = server.metadata;
  const type = { apiVersion: "v1", kind: "Secret" };
  const secret = ofRole(server, type, { name: loginsSecretName(name, of), role: of, isKept });
  const host = `${service}.${namespace}.svc`;
  const { used = "", accepted = "" } = ring;
  const annotations = {
    ...secret.metadata.annotations,
    ...ringAnnotations(ring),
    [usedHashAnnotation]: used,
    [acceptedHashAnnotation]: accepted,
  };
  const data = ring.keys
    ? mapValues(dataOf(ring.keys, engine, host), (text) => Buffer.from(text).toString("base64"))
    : mapValues({ [keysEntry]: "", [loginsEntry]: "", [passwordEntry]: "", [urlEntry]: "" }, () => generated);
  return { ...secret, metadata: { ...secret.metadata, annotations }, type: "Opaque", data };
}
