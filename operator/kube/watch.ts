// Follows one kind: an explicit state machine around list and watch.
//
//   list ──all pages──▶ watch(rv) ──stream ends, breaks or stalls──▶ watch(last rv)
//    ▲                      │
//    └────── 410 Gone ──────┘
//
// A list swaps the whole content at once; a broken stream goes on from the last version seen, without a list.
import { setTimeout as delay } from "node:timers/promises";
import { backoffDelay } from "./backoff.ts";
import type { Client } from "./client.ts";
import { ApiError, isGone } from "./errors.ts";
import type { ApiObject } from "./resource.ts";

export interface Source {
  /** Path of the collection. */
  path: string;
  labelSelector?: string | undefined;
  /** Metadata alone, where values aren't needed. */
  metadataOnly?: boolean;
}

export interface Sink {
  /** All objects that there are; what isn't among them is gone. */
  replace(objects: ApiObject[]): void;
  set(object: ApiObject): void;
  remove(object: ApiObject): void;
  /** The stream broke; it will be tried again. */
  failed(error: unknown): void;
}

type State = { phase: "list" } | { phase: "watch"; resourceVersion: string };

interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: ApiObject;
}

const pageSize = 500;
/** Just under the five minutes after which proxies like to cut; spread, so that watches don't all come back at once. */
const watchSeconds = () => 270 + Math.floor(Math.random() * 40);
/** Above the longest watch: a stream that is silent for longer is half open. */
const idleTimeout = 320_000;
const backoff = { initial: 800, max: 30_000 };
/** A stream that held for this long was healthy: the next failure begins a new count. */
const healthyAfter = 120_000;

const metadataAccept = (list: string) => `application/json;as=PartialObjectMetadata${list};g=meta.k8s.io;v=v1`;

async function list(client: Client, source: Source, sink: Sink, signal: AbortSignal): Promise<State> {
  const objects: ApiObject[] = [];
  let continueToken: string | undefined;
  let resourceVersion = "";
  do {
    const page = await client.json<{
      metadata: { resourceVersion: string; continue?: string };
      items: ApiObject[] | null;
    }>({
      path: source.path,
      query: { labelSelector: source.labelSelector, limit: pageSize, continue: continueToken },
      ...(source.metadataOnly && { accept: metadataAccept("List") }),
      signal,
    });
    // An empty list of metadata has null for items.
    objects.push(...(page.items ?? []));
    continueToken = page.metadata.continue || undefined;
    resourceVersion = page.metadata.resourceVersion;
  } while (continueToken);
  sink.replace(objects);
  return { phase: "watch", resourceVersion };
}

/** Hands one event on and returns the version that it brings the sink to. */
function take({ type, object }: WatchEvent, sink: Sink): string {
  if (type === "ERROR") {
    const status = object as unknown as { code?: number };
    throw new ApiError(status.code ?? 500, object as object);
  }
  if (type === "DELETED") sink.remove(object);
  else if (type !== "BOOKMARK") sink.set(object);
  return object.metadata.resourceVersion;
}

/** Streams until the server ends the watch; `seen` hears of every version, so that a broken stream can go on. */
async function watch(
  client: Client,
  source: Source,
  { sink, seen, resourceVersion }: { sink: Sink; seen: (resourceVersion: string) => void; resourceVersion: string },
  signal: AbortSignal,
): Promise<void> {
  const lines = client.lines({
    path: source.path,
    query: {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector: source.labelSelector,
      resourceVersion,
      timeoutSeconds: watchSeconds(),
    },
    ...(source.metadataOnly && { accept: metadataAccept("") }),
    timeout: idleTimeout,
    signal,
  });
  for await (const line of lines) if (line !== "") seen(take(JSON.parse(line) as WatchEvent, sink));
}

/** Follows the source into the sink until the signal aborts. Never throws. */
export async function follow(client: Client, source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  let state: State = { phase: "list" };
  let failures = 0;
  while (!signal.aborted) {
    const began = Date.now();
    try {
      if (state.phase === "list") state = await list(client, source, sink, signal);
      else {
        const current = state;
        const seen = (resourceVersion: string) => {
          current.resourceVersion = resourceVersion;
        };
        await watch(client, source, { sink, seen, resourceVersion: current.resourceVersion }, signal);
      }
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      sink.failed(error);
      if (isGone(error)) state = { phase: "list" };
      if (Date.now() - began > healthyAfter) failures = 0;
      await pause(error, failures++, signal);
    }
  }
}

async function pause(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
  const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
  await delay(Math.max(asked, backoffDelay(failures, backoff)), undefined, { signal }).catch(() => {});
}
