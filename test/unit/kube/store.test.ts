import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { ApiObject } from "../../../operator/kube/resource.ts";
import { createStore, keyOf, type Store } from "../../../operator/kube/store.ts";

interface Kept {
  resourceVersion: string;
  name: string;
  color: string;
}

const object = (name: string, version: number | string, color = "red", namespace = "shop"): ApiObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name, namespace, uid: name, resourceVersion: String(version), labels: { color } },
});

let changes: string[];
let store: Store<Kept>;
beforeEach(() => {
  changes = [];
  store = createStore<Kept>({
    project: ({ metadata: { resourceVersion, name, labels } }) =>
      labels?.color === "ignored" ? undefined : { resourceVersion, name, color: labels?.color ?? "" },
    indexBy: ({ color }) => color.split(","),
    changed: (before, after) => changes.push(`${before?.resourceVersion ?? "-"}>${after?.resourceVersion ?? "-"}`),
  });
});
/** What a watch does with a list. */
function relist(objects: ApiObject[], namespace?: string): void {
  for (const each of objects) store.set(each);
  store.keepOnly(new Set(objects.map(({ metadata }) => keyOf(metadata))), namespace);
}
const names = (index: string) =>
  store
    .withIndex(index)
    .map(({ name }) => name)
    .sort();

describe("a store", () => {
  test("keeps what the projection keeps, by key", () => {
    store.set(object("a", 1));
    expect(store.get("shop/a")).toEqual({ resourceVersion: "1", name: "a", color: "red" });
    expect(store.get("shop/b")).toBeUndefined();
    expect([...store.values()]).toHaveLength(1);
  });

  test("tells of every value that came, changed and went", () => {
    store.set(object("a", 1));
    store.set(object("a", 2, "blue"));
    store.remove(object("a", 3));
    expect(changes).toEqual(["->1", "1>2", "2>-"]);
  });

  test("is silent about a new version in which nothing that it keeps has changed", () => {
    store.set(object("a", 1));
    store.set(object("a", 2));
    expect(changes).toEqual(["->1"]);
    expect(store.get("shop/a")?.resourceVersion).toBe("2");
  });

  test("is silent about what this process wrote, also when the watch tells of it", () => {
    store.written(object("a", 2));
    store.set(object("a", 1, "blue"));
    store.set(object("a", 2));
    expect(changes).toEqual([]);
    expect(store.get("shop/a")?.color).toBe("red");
  });

  test("doesn't bring back with a late answer what the watch has told the end of", () => {
    store.set(object("a", 1));
    store.remove(object("a", 3));
    store.written(object("a", 2, "blue"));
    expect(store.get("shop/a")).toBeUndefined();
    store.written(object("b", 2, "red", "shop-2"));
    store.written(object("a", 4));
    expect(names("red")).toEqual(["a", "b"]);
  });

  test("keeps nothing of what the projection ignores, and lets go of what it begins to ignore", () => {
    store.set(object("a", 1, "ignored"));
    expect(changes).toEqual([]);
    store.set(object("b", 2));
    store.set(object("b", 3, "ignored"));
    expect(store.get("shop/b")).toBeUndefined();
    expect(names("red")).toEqual([]);
  });

  test("ignores an older version than it has: a write's answer came before the watch", () => {
    store.set(object("a", 10, "blue"));
    store.set(object("a", 9, "red"));
    expect(store.get("shop/a")?.color).toBe("blue");
    expect(changes).toHaveLength(1);
  });

  test("compares versions as numbers, however long", () => {
    store.set(object("a", "99999999999999999999"));
    store.set(object("a", "100000000000000000000", "blue"));
    expect(store.get("shop/a")?.color).toBe("blue");
    store.set(object("a", "99999999999999999999"));
    expect(store.get("shop/a")?.color).toBe("blue");
  });

  test("ignores the deletion of an earlier object of the name", () => {
    store.set(object("a", 20));
    store.remove(object("a", 15));
    expect(store.get("shop/a")).toBeDefined();
    store.remove(object("a", 20));
    expect(store.get("shop/a")).toBeUndefined();
    store.remove(object("a", 30));
    expect(changes).toHaveLength(2);
  });

  test("finds values by index, and follows them when they change", () => {
    store.set(object("a", 1, "red"));
    store.set(object("b", 2, "red,blue"));
    expect([names("red"), names("blue")]).toEqual([["a", "b"], ["b"]]);
    store.set(object("a", 3, "blue"));
    expect([names("red"), names("blue")]).toEqual([["b"], ["a", "b"]]);
    store.remove(object("b", 4));
    expect([names("red"), names("blue")]).toEqual([[], ["a"]]);
  });

  test("has after a list what the list has: what isn't in it is gone", () => {
    store.set(object("a", 1));
    store.set(object("b", 2));
    relist([object("b", 3, "blue"), object("c", 4)]);
    expect([...store.values()].map(({ name }) => name).sort()).toEqual(["b", "c"]);
    expect(changes.slice(2)).toEqual(["2>3", "->4", "1>-"]);
  });

  test("never goes back with a list that is older than what it has", () => {
    store.set(object("a", 10, "blue"));
    relist([object("a", 9, "red")]);
    expect(store.get("shop/a")?.color).toBe("blue");
  });

  test("has of one namespace what its list has, and leaves the others", () => {
    store.set(object("a", 1, "red", "shop"));
    store.set(object("a", 2, "red", "shop-2"));
    relist([], "shop");
    expect(store.get("shop/a")).toBeUndefined();
    expect(store.get("shop-2/a")).toBeDefined();
  });

  const moves = {
    set: (thing: ApiObject) => store.set(thing),
    remove: (thing: ApiObject) => store.remove(thing),
    relist: (thing: ApiObject) => relist([thing]),
  };
  const namesByValue = (index: string) =>
    [...store.values()].filter(({ color }) => color.split(",").includes(index)).map(({ name }) => name);

  test("has an index that says the same as its values, whatever happened", () => {
    const color = fc.constantFrom("red", "blue", "red,blue", "ignored");
    const move = fc.tuple(fc.constantFrom(...Object.values(moves)), fc.constantFrom("a", "b", "c"), color);
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (history) => {
        relist([]);
        for (const [index, [make, name, colors]] of history.entries()) {
          make(object(name, index + 1, colors));
          expect([names("red"), names("blue")]).toEqual([namesByValue("red").sort(), namesByValue("blue").sort()]);
        }
      }),
    );
  });
});
