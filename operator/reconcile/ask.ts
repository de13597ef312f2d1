// What asking stores, endpoints and pods takes.
import type { Condition } from "../api/mcpserver.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import { type ApiObject, type ObjectKey, read } from "../kube/resource.ts";
import type { Answers } from "../probe/answers.ts";
import type { Caches } from "./caches.ts";
import { secrets } from "./kinds.ts";
import type { ObservedServer } from "./observed.ts";

export interface AskContext {
  client: Client;
  caches: Pick<Caches, "server" | "config" | "podProblems" | "sees">;
  /** Undefined: nobody is asked anything. */
  answers: Answers | undefined;
  /** A server is to be looked at again. */
  wake: (serverKey: string) => void;
}

/** A condition as it was, but for its times. */
export type Told = Pick<Condition, "status" | "reason" | "message">;

const withoutTimes = ({ status, reason, message }: Condition): Told => ({ status, reason, message });

/** What a condition of the server said last. */
export function toldOf({ status }: ObservedServer, condition: string): Told | undefined {
  const before = status.conditions?.find(({ type }) => type === condition);
  return before && withoutTimes(before);
}

/** How long an answer is good, in milliseconds. */
export const lasts = { good: 60_000, bad: 10_000 };

/** Text of a Secret's key; undefined when there is none. */
export async function secretText(client: Client, object: ObjectKey, key: string): Promise<string | undefined> {
  try {
    const { data } = await read<ApiObject & { data?: Record<string, string> }>(client, secrets, object);
    const value = data?.[key];
    return value === undefined ? undefined : Buffer.from(value, "base64").toString();
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
}
