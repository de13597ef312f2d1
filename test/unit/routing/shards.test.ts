// Which shard holds what: stable, whatever comes and goes.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Shard, shards } from "../../../operator/desired/routing/gateway/shards.ts";

const most = 4;
const inShards = (items: string[]) =>
  shards(
    items,
    (item) => item,
    (some) => some.length <= most,
  );
const byName = (all: Shard<string>[]) => new Map(all.map(({ name, items }) => [name, items.join()]));
const items = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 40 });

describe("shards", () => {
  test("hold every item once, in the order given, and no more than fit", () => {
    fc.assert(
      fc.property(items, (all) => {
        const found = inShards(all);
        expect(found.flatMap((shard) => shard.items).toSorted()).toEqual(all.toSorted());
        expect(found.filter((shard) => shard.items.length > most || shard.items.length === 0)).toEqual([]);
        for (const shard of found) expect(all.filter((item) => shard.items.includes(item))).toEqual(shard.items);
      }),
    );
  });

  test("have names of their own, of ones and zeros", () => {
    fc.assert(
      fc.property(items, (all) => {
        const names = inShards(all).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names.filter((name) => !/^([01]*1)?$/.test(name))).toEqual([]);
      }),
    );
  });

  test("don't depend on the order in which items came", () => {
    fc.assert(
      fc.property(items, (all) => {
        const turned = byName(
          inShards(all.toReversed()).map(({ name, items: own }) => ({ name, items: own.toReversed() })),
        );
        expect(turned).toEqual(byName(inShards(all)));
      }),
    );
  });

  test("are one, without a name, as long as all fits", () => {
    expect(inShards(["a", "b", "c", "d"])).toEqual([{ name: "", items: ["a", "b", "c", "d"] }]);
    expect(inShards([])).toEqual([]);
  });

  test("split in two where one more doesn't fit, and one half keeps the name", () => {
    const before = inShards(["a", "b", "c", "d"]);
    const after = inShards(["a", "b", "c", "d", "e"]);
    expect(after.map(({ name }) => name)).toEqual(["", "1"]);
    expect(before).toHaveLength(1);
  });

  test("hold one item even where it doesn't fit", () => {
    expect(
      shards(
        ["a"],
        (item) => item,
        () => false,
      ),
    ).toEqual([{ name: expect.any(String), items: ["a"] }]);
  });
});
