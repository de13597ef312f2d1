// Tells when a kind that wasn't installed may have been: by watching CustomResourceDefinitions, where that is allowed, and
// else by looking again now and then.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./client.ts";
import type { ApiObject, ResourceType } from "./resource.ts";
import { follow } from "./watch.ts";

export interface Discovery {
  /** Resolves when the kind may have come since it was last looked for; never rejects. */
  mayHaveCome(type: ResourceType, signal: AbortSignal): Promise<void>;
}

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Between looks where definitions can't be watched, in milliseconds. */
const lookEvery = 30_000;
/** From a definition's creation to its first list: the API server needs a moment to serve it. */
const servedAfter = 500;

/** Starts to follow the definitions. */
export function startDiscovery(client: Client, signal: AbortSignal): Discovery {
  const defined = new Set<string>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  /** What wakes up those who wait for a definition, which may have come already. */
  function comingOf(name: string): Promise<void> {
    if (defined.has(name)) return Promise.resolve();
    const wake = waiting.get(name) ?? Promise.withResolvers<void>();
    waiting.set(name, wake);
    return wake.promise;
  }
  function wake(name: string): void {
    waiting.get(name)?.resolve();
    waiting.delete(name);
  }
  /** This process may not see definitions: everybody looks for himself. */
  let blind = false;
  const sink = {
    set: ({ metadata }: ApiObject) => {
      defined.add(metadata.name);
      wake(metadata.name);
    },
    remove: ({ metadata }: ApiObject) => {
      defined.delete(metadata.name);
    },
    listed: () => {
      blind = false;
    },
    absent: () => {
      blind = true;
      for (const name of [...waiting.keys()]) wake(name);
    },
    failed: () => {},
  };
  const again = (aborted: AbortSignal) => delay(lookEvery, undefined, { signal: aborted, ref: false });
  void follow(client, { path, metadataOnly: true, mayHaveCome: again }, sink, signal);

  return {
    async mayHaveCome({ apiVersion, plural }, aborted) {
      const gone = Promise.withResolvers<void>();
      aborted.addEventListener("abort", () => gone.resolve(), { once: true });
      if (!blind) await Promise.race([comingOf(`${plural}.${apiVersion.split("/")[0]}`), gone.promise]);
      await (blind ? again(aborted) : delay(servedAfter, undefined, { signal: aborted, ref: false })).catch(() => {});
    },
  };
}
