// What a user of the cluster sees of objects, and when: a watch of the bench's own.
import type { Client } from "../../operator/kube/client.ts";
import { type ApiObject, collectionPath, type ResourceType } from "../../operator/kube/resource.ts";

export interface SeenEvent {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  object: ApiObject & Record<string, any>;
  /** performance.now() when it was read. */
  at: number;
}

export interface Watching {
  /** The first event from now on that matches. Fails after `seconds`. */
  next(what: string, matches: (event: SeenEvent) => boolean, seconds?: number): Promise<SeenEvent>;
  stop(): void;
}

interface Waiting {
  matches: (event: SeenEvent) => boolean;
  resolve: (event: SeenEvent) => void;
}

/** Watches kinds in a namespace. */
export async function watchKinds(client: Client, types: ResourceType[], namespace: string): Promise<Watching> {
  const stop = new AbortController();
  const waiting = new Set<Waiting>();
  const hear = (event: SeenEvent) => {
    for (const each of waiting)
      if (each.matches(event)) {
        waiting.delete(each);
        each.resolve(event);
      }
  };
  for (const type of types) {
    const path = collectionPath(type, namespace);
    const { metadata } = await client.json<{ metadata: { resourceVersion: string } }>({ path, query: { limit: 1 } });
    void readEvents(client, { path, resourceVersion: metadata.resourceVersion, kind: type.kind }, hear, stop.signal);
  }
  return {
    next(what, matches, seconds = 30) {
      const { promise, resolve, reject } = Promise.withResolvers<SeenEvent>();
      const timer = setTimeout(() => reject(new Error(`nobody saw ${what} for ${seconds} s`)), seconds * 1000);
      waiting.add({ matches, resolve });
      return promise.finally(() => clearTimeout(timer));
    },
    stop: () => stop.abort(),
  };
}

interface Stream {
  path: string;
  kind: string;
  /** Where the next watch goes on. */
  resourceVersion: string;
}

/** Reads one watch to its end. */
async function readWatch(
  client: Client,
  stream: Stream,
  hear: (event: SeenEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { path, kind, resourceVersion } = stream;
  const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds: 3000 };
  for await (const line of client.lines({ path, query, signal, timeout: 3_600_000 })) {
    if (line === "") continue;
    const { type, object } = JSON.parse(line) as Omit<SeenEvent, "at">;
    stream.resourceVersion = object.metadata.resourceVersion;
    if (type !== "BOOKMARK") hear({ type, object: { ...object, kind }, at: performance.now() });
  }
}

/** Watches until the signal aborts: the API server ends a watch now and then. */
async function readEvents(
  client: Client,
  stream: Stream,
  hear: (event: SeenEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted)
    await readWatch(client, stream, hear, signal).catch((error: unknown) => {
      if (!signal.aborted) console.error(`bench: a watch of ${stream.kind} broke: ${String(error)}`);
    });
}
