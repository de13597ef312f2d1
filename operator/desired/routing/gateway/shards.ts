// Which HTTPRoute holds what: adding or removing one item changes one shard, or two where one splits or two join.
//
// Shards are the leaves of a trie over the bits of a hash of each item's key: a leaf that holds too much splits by the
// next bit. Which leaves there are follows from the items alone, whatever the history. A leaf is named by its bits
// without the zeros at their end, so that one half of a leaf that splits keeps its name.
import { createHash } from "node:crypto";

export interface Shard<T> {
  /** Empty for the first one; else ones and zeros. */
  name: string;
  items: T[];
}

/** Bits of the hash, as text; no two keys have all of them in common. */
const bitsOf = (key: string) =>
  [...createHash("sha256").update(key).digest()].map((byte) => byte.toString(2).padStart(8, "0")).join("");

function leaves<T>(items: { item: T; bits: string }[], fits: (items: T[]) => boolean, prefix: string): Shard<T>[] {
  const held = items.map(({ item }) => item);
  if (held.length === 0) return [];
  if (held.length === 1 || fits(held)) return [{ name: prefix.replace(/0+$/, ""), items: held }];
  return ["0", "1"].flatMap((bit) => {
    const next = `${prefix}${bit}`;
    return leaves(
      items.filter(({ bits }) => bits.startsWith(next)),
      fits,
      next,
    );
  });
}

/**
 * The items in shards, those of a shard in the order given.
 * @param keyOf tells an item from all others: no two have the same
 * @param fits whether a shard can hold these; it can hold one, and less of what it can hold
 */
export function shards<T>(items: T[], keyOf: (item: T) => string, fits: (items: T[]) => boolean): Shard<T>[] {
  // Most pools are this small: no need to hash their keys.
  if (items.length > 0 && fits(items)) return [{ name: "", items }];
  return leaves(
    items.map((item) => ({ item, bits: bitsOf(keyOf(item)) })),
    fits,
    "",
  );
}
