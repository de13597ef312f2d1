// Brings the requestState ring a step further when it is time; reads the keys only when they have to be written.
import { randomBytes } from "node:crypto";
import type { McpServer } from "../api/mcpserver.ts";
import {
  nextRing,
  type Ring,
  type RingKeys,
  type RingState,
  requestStateSecretName,
  ringKeysOf,
  ringOf,
  ringStep,
} from "../desired/request-state.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import { type ApiObject, read } from "../kube/resource.ts";
import { secrets } from "./kinds.ts";

export interface RingOptions {
  client: Client;
  server: McpServer;
  /** Whether there is a Secret of the ring's name, and what its annotations say. */
  exists: boolean;
  state: RingState | undefined;
  /** Whether all pods run with the ring as it is. */
  rolledOut: boolean;
  now: number;
}

const freshKey = () => randomBytes(32).toString("base64");

/** The keys in the Secret; undefined when it isn't there or holds none. */
async function readRingKeys(client: Client, server: McpServer): Promise<RingKeys | undefined> {
  const { namespace } = server.metadata;
  try {
    const secret = await read<ApiObject & { data?: Record<string, string> }>(client, secrets, {
      namespace,
      name: requestStateSecretName(server),
    });
    return ringKeysOf(secret.data);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
}

/** The ring as it should be now, and when to look again, in milliseconds. */
export async function currentRing({
  client,
  server,
  exists,
  state,
  rolledOut,
  now,
}: RingOptions): Promise<{ ring: Ring; after?: number }> {
  const { step, after } = ringStep(server, state, rolledOut, now);
  const time = new Date(now).toISOString();
  if (step === "keep" && state) return { ring: state, ...(after !== undefined && { after }) };
  // Without annotations there may still be keys, which pods may be using: they stay.
  const keys = exists ? await readRingKeys(client, server) : undefined;
  if (!keys) return { ring: ringOf([freshKey()], "steady", time) };
  if (!state || (step !== "stage" && step !== "promote")) return { ring: ringOf(keys, "steady", time) };
  return { ring: nextRing(step, { ...state, keys }, freshKey(), time) };
}

/**
 * The ring with its keys as they are in the Secret, for when it has to be written although nothing about it should change:
 * somebody edited it. Keys that can be used stay; else there are new ones.
 */
export async function ringWithKeys(client: Client, server: McpServer, { phase, rotatedAt }: RingState): Promise<Ring> {
  const keys = await readRingKeys(client, server);
  return keys ? ringOf(keys, phase, rotatedAt) : ringOf([freshKey()], "steady", rotatedAt);
}
