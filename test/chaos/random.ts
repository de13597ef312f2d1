// Chance that can be replayed: what happens to the n-th request of one kind depends on the seed alone, and not on the order
// in which requests of different kinds happen to arrive.

/** A number in [0, 1) that depends on the text alone: FNV-1a, then murmur3's last step to spread it. */
export function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
