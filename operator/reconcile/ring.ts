// Brings a ring a step further when it is time; reads its keys only when they have to be written.
import { randomBytes } from "node:crypto";
import { nextRing, type Ring, type RingKeys, type RingState, ringKeysOf, ringOf, ringStep } from "../desired/ring.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import { type ApiObject, type ObjectKey, read } from "../kube/resource.ts";
import { secrets } from "./kinds.ts";

/** A Secret that holds a ring. */
export interface RingSecret {
  client: Client;
  key: ObjectKey;
}

export interface RingOptions extends RingSecret {
  rotateEvery: string | undefined;
  /** Whether there is such a Secret, and what its annotations say. */
  exists: boolean;
  state: RingState | undefined;
  /** Whether all pods run with the ring as it is. */
  rolledOut: boolean;
  now: number;
}

const freshKey = () => randomBytes(32).toString("base64");

/** The keys in the Secret; undefined when it isn't there or holds none. */
async function readRingKeys({ client, key }: RingSecret): Promise<RingKeys | undefined> {
  try {
    const secret = await read<ApiObject & { data?: Record<string, string> }>(client, secrets, key);
    return ringKeysOf(secret.data);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
}

/** The ring as it should be now, and when to look again, in milliseconds. */
export async function currentRing({
  rotateEvery,
  exists,
  state,
  rolledOut,
  now,
  ...secret
}: RingOptions): Promise<{ ring: Ring; after?: number }> {
  const { step, after } = ringStep(rotateEvery, state, rolledOut, now);
  const time = new Date(now).toISOString();
  if (step === "keep" && state) return { ring: state, ...(after !== undefined && { after }) };
  // Without annotations there may still be keys, which pods may be using: they stay.
  const keys = exists ? await readRingKeys(secret) : undefined;
  if (!keys) return { ring: ringOf([freshKey()], "steady", time) };
  if (!state || (step !== "stage" && step !== "promote")) return { ring: ringOf(keys, "steady", time) };
  return { ring: nextRing(step, { ...state, keys }, freshKey(), time) };
}

/**
 * The ring with its keys as they are in the Secret, for when it has to be written although nothing about it should change:
 * somebody edited it. Keys that can be used stay; else there are new ones.
 */
export async function ringWithKeys(secret: RingSecret, { phase, rotatedAt }: RingState): Promise<Ring> {
  const keys = await readRingKeys(secret);
  return keys ? ringOf(keys, phase, rotatedAt) : ringOf([freshKey()], "steady", rotatedAt);
}
