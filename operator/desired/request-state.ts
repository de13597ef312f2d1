// The requestState ring: the keys that seal what a server hands to a client and wants back (MRTR), shared by all of its
// pods, so that any of them can open what another sealed. Rotation never leaves a pod with state that it can't open:
//
//   steady   key K1, ring K1 K0          every pod seals with K1
//   staged   key K1, ring K1 K2          rolled out first: every pod can open K2 before any seals with it
//   steady   key K2, ring K2 K1          every pod seals with K2; K1 still opens until the next rotation
import { durationSeconds } from "../api/duration.ts";
import type { McpServer } from "../api/mcpserver.ts";
import { roleName } from "./names.ts";
import { child, hashOf, type KubeObject } from "./object.ts";
import type { EnvVar } from "./pod-template.ts";

/** Keys of the Secret's data, and so of one that the user brings. */
const keyEntry = "key";
const keysEntry = "keys";

export const ringHashAnnotation = "anypod.dev/ring-hash";
export const rotatedAtAnnotation = "anypod.dev/rotated-at";
export const ringPhaseAnnotation = "anypod.dev/ring-phase";

/** The keys themselves, base64 of 32 bytes each; the first seals, all open. */
export type RingKeys = [sealing: string, ...others: string[]];

/** What is known of a ring without its keys: what the Secret's annotations say. */
export interface RingState {
  phase: "steady" | "staged";
  /** When the sealing key began to seal; RFC 3339. */
  rotatedAt: string;
  /** Tells one set of keys from another and gives nothing away. */
  hash: string;
}

export interface Ring extends RingState {
  /** Absent when they were not read, because nothing about them changes. */
  keys?: RingKeys;
}

export const requestStateSecretName = ({ metadata }: { metadata: { name: string } }) =>
  roleName(metadata.name, "request-state");

/** A ring of the given keys. */
export function ringOf(keys: RingKeys, phase: RingState["phase"], rotatedAt: string): Ring {
  return { keys, phase, rotatedAt, hash: hashOf(["ring", keys]) };
}

export type RingStep = "create" | "keep" | "stage" | "promote";

/**
 * What to do about the ring now.
 * @param rolledOut whether all pods of all pools run with the ring as it is
 * @param now milliseconds since the epoch
 * @returns the step, and for `keep` when to look again, in milliseconds from now
 */
export function ringStep(
  server: McpServer,
  state: RingState | undefined,
  rolledOut: boolean,
  now: number,
): { step: RingStep; after?: number } {
  if (!state) return { step: "create" };
  if (state.phase === "staged") return { step: rolledOut ? "promote" : "keep" };
  const { rotateEvery } = server.spec.requestState;
  if (rotateEvery === undefined) return { step: "keep" };
  const due = Date.parse(state.rotatedAt) + durationSeconds(rotateEvery) * 1000;
  // A rotation that begins in the middle of a rollout would have to wait for it anyway.
  if (now < due) return { step: "keep", after: due - now };
  return { step: rolledOut ? "stage" : "keep" };
}

/** The ring after a step. `fresh` is a new key. */
export function nextRing(
  step: "stage" | "promote",
  current: Ring & { keys: RingKeys },
  fresh: string,
  now: string,
): Ring {
  const [sealing, ...others] = current.keys;
  if (step === "stage") return ringOf([sealing, fresh], "staged", current.rotatedAt);
  const next = others.at(-1);
  return next === undefined ? ringOf([sealing], "steady", now) : ringOf([next, sealing], "steady", now);
}

/** Reads the ring's state from the Secret's annotations; undefined when they aren't whole. */
export function ringStateOf(annotations: Record<string, string | undefined>): RingState | undefined {
  const { [ringHashAnnotation]: hash, [rotatedAtAnnotation]: rotatedAt, [ringPhaseAnnotation]: phase } = annotations;
  if (!hash || !rotatedAt || Number.isNaN(Date.parse(rotatedAt)) || (phase !== "steady" && phase !== "staged")) return;
  return { hash, rotatedAt, phase };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** The data of the Secret, as the API has it: base64. */
function ringData(keys: RingKeys): Record<string, string> {
  return { [keyEntry]: base64(keys[0]), [keysEntry]: base64(keys.join(",")) };
}

/** The keys in a Secret's data; undefined when there are none that can be used. */
export function ringKeysOf(data: Record<string, string> | undefined): RingKeys | undefined {
  const decoded = Buffer.from(data?.[keysEntry] ?? "", "base64").toString();
  const [sealing, ...others] = decoded.split(",");
  const valid = (key: string) => Buffer.from(key, "base64").length === 32;
  return sealing !== undefined && [sealing, ...others].every(valid) ? [sealing, ...others] : undefined;
}

/** Shown by `render` in place of keys, and in no Secret: it is no base64, so that nobody applies it by accident. */
export const generated = "<generated>";

/** The Secret with the ring; undefined when the user brings their own. */
export function requestStateSecret(server: McpServer, ring: Ring): KubeObject | undefined {
  if (server.spec.requestState.secretRef) return;
  const secret = child(server, { apiVersion: "v1", kind: "Secret" }, requestStateSecretName(server));
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      annotations: {
        [ringHashAnnotation]: ring.hash,
        [ringPhaseAnnotation]: ring.phase,
        [rotatedAtAnnotation]: ring.rotatedAt,
      },
    },
    type: "Opaque",
    data: ring.keys ? ringData(ring.keys) : { [keyEntry]: generated, [keysEntry]: generated },
  };
}

/** The variables that give pods the keys. */
export function requestStateEnv(server: McpServer): EnvVar[] {
  const own = server.spec.requestState.secretRef?.name;
  const name = own ?? requestStateSecretName(server);
  const from = (key: string, optional: boolean) => ({
    valueFrom: { secretKeyRef: { name, key, ...(optional && { optional }) } },
  });
  return [
    { name: "MCP_REQUEST_STATE_KEY", ...from(keyEntry, false) },
    // A Secret of the user's own may hold a single key.
    { name: "MCP_REQUEST_STATE_KEYS", ...from(keysEntry, own !== undefined) },
  ];
}
