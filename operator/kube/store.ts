// What is known of one kind: a projection of each object, by key and by index.
import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "./resource.ts";

export interface StoreOptions<T> {
  /** What to keep of an object; undefined keeps nothing. */
  project: (object: ApiObject) => T | undefined;
  /** Values that objects are looked up by; an object may have several. */
  indexBy?: (value: T) => readonly string[];
  /** Hears of every value that came, went, or changed in more than its resource version. */
  changed: (before: T | undefined, after: T | undefined) => void;
}

export interface Store<T> {
  get(key: string): T | undefined;
  /** All values with this index value. */
  withIndex(index: string): T[];
  values(): Iterable<T>;
  /** Removes what isn't among these keys, in the namespace when one is given. */
  keepOnly(present: ReadonlySet<string>, namespace?: string): void;
  /** An object as it is now; ignored when this or a later version of it is known already. */
  set(object: ApiObject): void;
  /** The same for an object that this process has just written itself: `changed` doesn't hear of it. */
  written(object: ApiObject): void;
  /** An object that is gone, in the version it went in; ignored when a later object of that name is known. */
  remove(object: { metadata: { namespace: string; name: string; resourceVersion: string } }): void;
}

/** Key of an object; one of a kind without namespaces has "" for it. */
export const keyOf = ({ namespace = "", name }: { namespace?: string; name: string }) => `${namespace}/${name}`;

/** Whether two values are the same but for the version: a status that nobody here reads has changed, say. */
function isSame<T extends { resourceVersion: string }>(a: T | undefined, b: T | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return isDeepStrictEqual({ ...a, resourceVersion: "" }, { ...b, resourceVersion: "" });
}

/** Whether resource version `a` is older than `b`; both are decimal numbers (comparable since Kubernetes 1.35). */
const isOlder = (a: string, b: string) => a.length < b.length || (a.length === b.length && a < b);

export function createStore<T extends { resourceVersion: string }>({
  project,
  indexBy = () => [],
  changed,
}: StoreOptions<T>): Store<T> {
  const values = new Map<string, T>();
  const index = new Map<string, Set<string>>();
  /** The latest version that the watch has told of, by namespace: it has told of all that was before it, too. */
  const heard = new Map<string, string>();

  function unindex(key: string, value: T) {
    for (const entry of indexBy(value)) {
      const keys = index.get(entry);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(entry);
    }
  }

  function put(key: string, value: T) {
    values.set(key, value);
    for (const entry of indexBy(value)) {
      const keys = index.get(entry);
      if (keys) keys.add(key);
      else index.set(entry, new Set([key]));
    }
  }

  function update(key: string, after: T | undefined) {
    const before = values.get(key);
    if (before !== undefined) unindex(key, before);
    if (after !== undefined) put(key, after);
    else values.delete(key);
    return before;
  }

  function updateAndTell(key: string, after: T | undefined) {
    const before = update(key, after);
    if (!isSame(before, after)) changed(before, after);
  }

  function hear({ namespace = "", resourceVersion }: { namespace?: string; resourceVersion: string }): void {
    if (isOlder(heard.get(namespace) ?? "", resourceVersion)) heard.set(namespace, resourceVersion);
  }

  /** Whether the watch has told of this version: an object that isn't known in spite of it has gone since. */
  function isHeard({ metadata: { namespace = "", resourceVersion } }: ApiObject): boolean {
    return !isOlder(heard.get(namespace) ?? "", resourceVersion);
  }

  /** Whether the object brings anything new: what a write answered is often known before the watch tells of it. */
  function isNews({ metadata }: ApiObject): boolean {
    const known = values.get(keyOf(metadata));
    return known === undefined || isOlder(known.resourceVersion, metadata.resourceVersion);
  }

  return {
    get: (key) => values.get(key),
    withIndex: (entry) => [...(index.get(entry) ?? [])].flatMap((key) => values.get(key) ?? []),
    values: () => values.values(),
    keepOnly(present, namespace) {
      const inScope = (key: string) => namespace === undefined || key.startsWith(`${namespace}/`);
      const gone = [...values.keys()].filter((key) => inScope(key) && !present.has(key));
      for (const key of gone) updateAndTell(key, undefined);
    },
    set(object) {
      hear(object.metadata);
      if (isNews(object)) updateAndTell(keyOf(object.metadata), project(object));
    },
    written(object) {
      if (isNews(object) && !isHeard(object)) update(keyOf(object.metadata), project(object));
    },
    remove: ({ metadata }) => {
      hear(metadata);
      const known = values.get(keyOf(metadata));
      if (known && !isOlder(metadata.resourceVersion, known.resourceVersion)) updateAndTell(keyOf(metadata), undefined);
    },
  };
}
