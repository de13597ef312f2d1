// A ring of secrets that are renewed without anybody being locked out: the first is used, all are accepted. A new one is
// staged, accepted everywhere before anybody uses it; then it is promoted, and the old one is accepted until the next.
//
//   steady   K1, ring K1 K0          everybody uses K1
//   staged   K1, ring K1 K2          rolled out first: everybody accepts K2 before anybody uses it
//   steady   K2, ring K2 K1          everybody uses K2; K1 is still accepted until the next rotation
//
// What is known of a ring without its keys stands in annotations of its Secret.
import { durationSeconds } from "../api/duration.ts";
import { hashOf } from "./object.ts";

export const ringHashAnnotation = "anypod.dev/ring-hash";
export const rotatedAtAnnotation = "anypod.dev/rotated-at";
export const ringPhaseAnnotation = "anypod.dev/ring-phase";
export const usedHashAnnotation = "anypod.dev/used-key-hash";
export const acceptedHashAnnotation = "anypod.dev/accepted-keys-hash";

/** The keys themselves, base64 of 32 bytes each; the first is used, all are accepted. */
export type RingKeys = [used: string, ...others: string[]];

/** What is known of a ring without its keys: what the Secret's annotations say. */
export interface RingState {
  phase: "steady" | "staged";
  /** When the first key began to be used; RFC 3339. */
  rotatedAt: string;
  /** Tells one ring from another and gives nothing away. */
  hash: string;
  /** The same of the key that is used, and of all that are accepted, in whatever order; where the Secret says so. */
  used?: string;
  accepted?: string;
}

export interface Ring extends RingState {
  /** Absent when they were not read, because nothing about them changes. */
  keys?: RingKeys;
}

/** A ring of the given keys. */
export function ringOf(keys: RingKeys, phase: RingState["phase"], rotatedAt: string): Ring {
  const hash = hashOf(["ring", keys]);
  return { keys, phase, rotatedAt, hash, used: hashOf(["key", keys[0]]), accepted: hashOf(["set", keys.toSorted()]) };
}

export type RingStep = "create" | "keep" | "stage" | "promote";

/**
 * What to do about the ring now.
 * @param rotateEvery how long a key is used; undefined: for good
 * @param state undefined: there is none
 * @param rolledOut whether all pods run with the ring as it is
 * @param now milliseconds since the epoch
 * @returns the step, and for `keep` when to look again, in milliseconds from now
 */
export function ringStep(
  rotateEvery: string | undefined,
  state: RingState | undefined,
  rolledOut: boolean,
  now: number,
): { step: RingStep; after?: number } {
  if (!state) return { step: "create" };
  if (state.phase === "staged") return { step: rolledOut ? "promote" : "keep" };
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
  const [used, ...others] = current.keys;
  if (step === "stage") return ringOf([used, fresh], "staged", current.rotatedAt);
  const next = others.at(-1);
  return next === undefined ? ringOf([used], "steady", now) : ringOf([next, used], "steady", now);
}

/** The annotations that say a ring's state. */
export const ringAnnotations = ({ hash, phase, rotatedAt }: RingState) => ({
  [ringHashAnnotation]: hash,
  [ringPhaseAnnotation]: phase,
  [rotatedAtAnnotation]: rotatedAt,
});

/** Reads the ring's state from the Secret's annotations; undefined when they aren't whole. */
export function ringStateOf(annotations: Record<string, string | undefined>): RingState | undefined {
  const { [ringHashAnnotation]: hash, [rotatedAtAnnotation]: rotatedAt, [ringPhaseAnnotation]: phase } = annotations;
  if (!hash || !rotatedAt || Number.isNaN(Date.parse(rotatedAt)) || (phase !== "steady" && phase !== "staged")) return;
  const { [usedHashAnnotation]: used, [acceptedHashAnnotation]: accepted } = annotations;
  return { hash, rotatedAt, phase, ...(used && accepted && { used, accepted }) };
}

/** Entry of a Secret's data that holds all keys of its ring. */
export const keysEntry = "keys";

/** The keys in a Secret's data; undefined when there are none that can be used. */
export function ringKeysOf(data: Record<string, string> | undefined): RingKeys | undefined {
  const decoded = Buffer.from(data?.[keysEntry] ?? "", "base64").toString();
  const [used, ...others] = decoded.split(",");
  const valid = (key: string) => Buffer.from(key, "base64").length === 32;
  return used !== undefined && [used, ...others].every(valid) ? [used, ...others] : undefined;
}

/** Shown by `render` in place of keys, and in no Secret: it is no base64, so that nobody applies it by accident. */
export const generated = "<generated>";

/** A ring whose keys nobody knows: what stands in for one that only a cluster has. */
export const unknownRing: Ring = {
  phase: "steady",
  rotatedAt: generated,
  hash: generated,
  used: generated,
  accepted: generated,
};
