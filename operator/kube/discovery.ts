// Tells when a kind that wasn't installed may have been: by watching CustomResourceDefinitions, where that is allowed, and
// else by looking again now and then.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./client.ts";
import { ApiError } from "./errors.ts";
import type { ApiObject, ResourceType } from "./resource.ts";
import { follow } from "./watch.ts";

export interface Discovery {
  /** Resolves when the kind may have come since it was last looked for; never rejects. */
  mayHaveCome(type: ResourceType, signal: AbortSignal): Promise<void>;
}

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Between looks where definitions can't be watched, or their watch is late, in milliseconds. */
const lookEvery = 30_000;
/** From a definition's creation to its first list: the API server needs a moment to serve it. */
const servedAfter = 250;

/** Starts to follow the definitions. */
export function startDiscovery(client: Client, signal: AbortSignal): Discovery {
  const waiting = new Map<string, Set<() => void>>();
  const forbidden = new AbortController();
  const changed = ({ metadata }: ApiObject) => {
    for (const resolve of waiting.get(metadata.name) ?? []) resolve();
    waiting.delete(metadata.name);
  };
  const sink = {
    set: changed,
    remove: () => {},
    listed: () => {},
    failed: (error: unknown) => {
      if (error instanceof ApiError && error.status === 403) forbidden.abort();
    },
  };
  const ended = AbortSignal.any([signal, forbidden.signal]);
  void follow(client, { path, metadataOnly: true }, sink, ended);

  return {
    async mayHaveCome({ apiVersion, plural }, aborted) {
      const name = `${plural}.${apiVersion.split("/")[0]}`;
      const { promise, resolve } = Promise.withResolvers<void>();
      const resolvers = waiting.get(name) ?? new Set();
      waiting.set(name, resolvers.add(resolve));
      const late = delay(lookEvery, undefined, { signal: aborted, ref: false }).catch(() => {});
      await Promise.race([promise, late]);
      resolvers.delete(resolve);
      await delay(servedAfter, undefined, { signal: aborted }).catch(() => {});
    },
  };
}
