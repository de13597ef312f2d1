// Follows one kind: an explicit state machine around list and watch.
//
//   list ──all pages──▶ watch(rv) ──stream ends, breaks or stalls──▶ watch(last rv)
//    ▲ ▲                    │
//    │ └───── 410 Gone ─────┤
//    └── kind is back ◀── absent ◀── 404, 403 (of a list, too)
//
// The end of a list is the moment at which what it lacks is gone; a broken stream goes on from the last version seen,
// without a list.
import { setTimeout as delay } from "node:timers/promises";
import { backoffDelay } from "./backoff.ts";
import type { Client } from "./client.ts";
import { ApiError, isForbidden, isGone, isNotFound } from "./errors.ts";
import type { ApiObject } from "./resource.ts";
import { keyOf } from "./store.ts";

export interface Source {
  /** Path of the collection. */
  path: string;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Metadata alone, where values aren't needed. */
  metadataOnly?: boolean;
  /** For kinds that may not be installed, or not be allowed: resolves when it is worth another look. */
  mayHaveCome?: (signal: AbortSignal) => Promise<void>;
}

export interface Sink {
  set(object: ApiObject): void;
  remove(object: ApiObject): void;
  /** A list has ended: every object with none of these keys (`namespace/name`) is gone. */
  listed(present: ReadonlySet<string>): void;
  /** The kind isn't installed (404), or this process may not see it (403): `failed` told which. No object of it is known. */
  absent(): void;
  /** The stream broke, or the kind can't be had; it will be tried again. */
  failed(error: unknown): void;
}

type State = { phase: "list" } | { phase: "watch"; resourceVersion: string } | { phase: "absent"; forbidden: boolean };

interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: ApiObject;
}

/** Small, because a page is parsed whole: what it takes at its peak stays with the process. */
const pageSize = 100;
/** Just under the five minutes after which proxies like to cut; spread, so that watches don't all come back at once. */
const watchSeconds = () => 270 + Math.floor(Math.random() * 40);
/** An API server sends a bookmark a minute: a stream that has missed two is half open. */
const idleTimeout = 150_000;
/** Capped so that all is well again within seconds after the API server was away; ten watches then ask three times a second. */
const backoff = { initial: 800, max: 4_000 };
/** A stream that held for this long was healthy: the next failure begins a new count. */
const healthyAfter = 120_000;
/** Until a kind that this process may not see is asked for again, in milliseconds. */
const askAgain = 60_000;
/** A stream that ended sooner than this, in milliseconds, did nothing. */
const shortest = 1000;

const metadataAccept = (list: string) => `application/json;as=PartialObjectMetadata${list};g=meta.k8s.io;v=v1`;

const selectors = ({ labelSelector, fieldSelector }: Source) => ({ labelSelector, fieldSelector });

/** Hands objects on page by page, so that no more than a page is ever held. */
async function list(client: Client, source: Source, sink: Sink, signal: AbortSignal): Promise<State> {
  const present = new Set<string>();
  let continueToken: string | undefined;
  let resourceVersion = "";
  do {
    const page = await client.json<{
      metadata: { resourceVersion: string; continue?: string };
      items: ApiObject[] | null;
    }>({
      path: source.path,
      query: { ...selectors(source), limit: pageSize, continue: continueToken },
      ...(source.metadataOnly && { accept: metadataAccept("List") }),
      signal,
    });
    // An empty list of metadata has null for items.
    for (const object of page.items ?? []) {
      present.add(keyOf(object.metadata));
      sink.set(object);
    }
    continueToken = page.metadata.continue || undefined;
    resourceVersion = page.metadata.resourceVersion;
  } while (continueToken);
  sink.listed(present);
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
      ...selectors(source),
      resourceVersion,
      timeoutSeconds: watchSeconds(),
    },
    ...(source.metadataOnly && { accept: metadataAccept("") }),
    timeout: idleTimeout,
    signal,
  });
  for await (const line of lines) if (line !== "") seen(take(JSON.parse(line) as WatchEvent, sink));
}

/** One step: does what the state says and returns the next one. Throws when that fails. */
async function step(
  client: Client,
  { source, sink, state }: { source: Source; sink: Sink; state: State },
  signal: AbortSignal,
): Promise<State> {
  if (state.phase === "absent") {
    if (state.forbidden) await delay(askAgain, undefined, { signal });
    else await source.mayHaveCome?.(signal);
    return { phase: "list" };
  }
  if (state.phase === "list") return list(client, source, sink, signal);
  const seen = (resourceVersion: string) => {
    state.resourceVersion = resourceVersion;
  };
  await watch(client, source, { sink, seen, resourceVersion: state.resourceVersion }, signal);
  return state;
}

/** The state after a failure: only what is gone for good needs another list. */
function afterFailure(state: State, error: unknown, { mayHaveCome }: Source): State {
  if (mayHaveCome && (isNotFound(error) || isForbidden(error)))
    return { phase: "absent", forbidden: isForbidden(error) };
  return isGone(error) || isNotFound(error) ? { phase: "list" } : state;
}

interface Turn {
  state: State;
  /** How often in a row it went wrong. */
  failures: number;
  failure?: unknown;
}

type Following = { source: Source; sink: Sink };

const versionOf = (state: State) => (state.phase === "watch" ? state.resourceVersion : "");

/** One step and what came of it. Throws only when the signal aborts. */
async function turn(
  client: Client,
  { source, sink }: Following,
  { state, failures }: Turn,
  signal: AbortSignal,
): Promise<Turn> {
  const began = Date.now();
  const version = versionOf(state);
  // A stream that brought something, or held for long, was a good one: the count of failures begins anew.
  const wasGood = () => versionOf(state) !== version || Date.now() - began > healthyAfter;
  const count = () => (wasGood() ? 1 : failures + 1);
  try {
    const next = await step(client, { source, sink, state }, signal);
    // A server that ends each watch at once must not be asked in a tight loop.
    return { state: next, failures: next === state && Date.now() - began < shortest ? count() : 0 };
  } catch (failure) {
    signal.throwIfAborted();
    sink.failed(failure);
    const next = afterFailure(state, failure, source);
    return { state: next, failures: next.phase === "absent" ? 0 : count(), failure };
  }
}

/** Follows the source into the sink until the signal aborts. Never throws. */
export async function follow(client: Client, source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  let last: Turn = { state: { phase: "list" }, failures: 0 };
  try {
    while (!signal.aborted) {
      last = await turn(client, { source, sink }, last, signal);
      if (last.state.phase === "absent") sink.absent();
      if (last.failures > 0) await pause(last.failure, last.failures - 1, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function pause(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
  const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
  await delay(Math.max(asked, backoffDelay(failures, backoff)), undefined, { signal }).catch(() => {});
}
