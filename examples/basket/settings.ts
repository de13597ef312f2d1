// What the environment may say, read once at start. Nothing else in this server looks at process.env, but OpenTelemetry.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { StoreSettings } from "./store-url.ts";

/** Everything that differs between one pod and the next. Keys are raw bytes and never leave the ring. */
export interface Settings {
  readonly version: string;
  /** POD_NAME, or the hostname, which in a pod is the same. */
  readonly pod: string;
  readonly port: number;
  readonly path: string;
  /** requestState keys: the first seals, all of them unseal. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  /** True when no key was given, so that no other pod can unseal what this one sealed. */
  readonly keyIsRandom: boolean;
  /** Where baskets and tasks live; nothing means this process's memory. */
  readonly store: StoreSettings | undefined;
  readonly drainMs: number;
  /** Hostnames that a browser's Origin header may name; requests without Origin always pass. */
  readonly allowedOrigins: readonly string[];
  /** Hostnames that the Host header may name; empty means any, because only the platform knows its names. */
  readonly allowedHosts: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `environment`; `version` is used when SERVER_VERSION is not set. Throws an Error that says which variable is wrong. */
export function readSettings(environment: Environment, version: string): Settings {
  const keys = readKeys(environment);
  return {
    version: environment.SERVER_VERSION || version,
    pod: environment.POD_NAME || hostname(),
    port: wholeNumber(environment, "PORT", 8080),
    path: environment.MCP_PATH || "/mcp",
    keys: keys ?? [randomBytes(32)],
    keyIsRandom: keys === undefined,
    store: readStore(environment),
    drainMs: wholeNumber(environment, "DRAIN_SECONDS", 30) * 1000,
    allowedOrigins: ["localhost", "127.0.0.1", "[::1]", ...list(environment.MCP_ALLOWED_ORIGINS)],
    allowedHosts: list(environment.MCP_ALLOWED_HOSTS),
  };
}

function readStore(environment: Environment): StoreSettings | undefined {
  const url = environment.MCP_TASK_STORE_URL?.trim();
  if (!url) return;
  return {
    url,
    prefix: environment.MCP_TASK_STORE_PREFIX ?? "",
    caFile: environment.MCP_TASK_STORE_CA || undefined,
  };
}

/** MCP_REQUEST_STATE_KEY seals; without it the first of MCP_REQUEST_STATE_KEYS does. All of them unseal. */
function readKeys(environment: Environment): [Uint8Array, ...Uint8Array[]] | undefined {
  const named = [environment.MCP_REQUEST_STATE_KEY?.trim() ?? "", ...list(environment.MCP_REQUEST_STATE_KEYS)];
  const [sealing, ...others] = new Set(named.filter((key) => key !== ""));
  return sealing === undefined ? undefined : [decodeKey(sealing), ...others.map(decodeKey)];
}

// The message must not contain the value: it may be a real key with a typing error.
function decodeKey(base64: string): Uint8Array {
  const key = Buffer.from(base64, "base64");
  if (key.length >= 32) return key;
  throw new Error("MCP_REQUEST_STATE_KEY and each of MCP_REQUEST_STATE_KEYS must be the base64 of 32 bytes or more");
}

function wholeNumber(environment: Environment, name: string, fallback: number): number {
  const text = environment[name];
  if (!text) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`${name} must be a whole number, not "${text}"`);
}

function list(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
