// Names of a server's objects: distinct for all inputs, and at most 63 characters.
//
// A server's own objects have its name. All others end in a hash of what they are for, because `<server>-<pool>` alone
// would be ambiguous: `a` with pool `b-c`, `a-b` with pool `c` and a server `a-b-c` would share it. So that no server's
// own name can be another's hashed one, a name that looks hashed gets a hash too.
import { createHash } from "node:crypto";

const maxLength = 63;
const hashLength = 8;
/** No vowels: no words by accident, so that hardly any name looks hashed. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const looksHashed = new RegExp(`-[${alphabet}]{${hashLength}}$`);

function nameHash(parts: string[]): string {
  const digest = createHash("sha256").update(parts.join("/")).digest();
  return [...digest.subarray(0, hashLength)].map((byte) => alphabet[byte % alphabet.length]).join("");
}

function hashed(server: string, part: string, use: "pool" | "role", most = maxLength): string {
  const cut = `${server}-${part}`.slice(0, most - hashLength - 1).replace(/-+$/, "");
  return `${cut}-${nameHash([server, use, part])}`;
}

/** The name of a server's own objects: the server's. */
export const ownName = (server: string) => (looksHashed.test(server) ? hashed(server, "", "role") : server);

/** The name of a pool's objects. The pool is a DNS label. */
export const poolName = (server: string, pool: string) => hashed(server, pool, "pool");

/** The name of an object that a server needs for a purpose, such as `request-state`. */
export const roleName = (server: string, role: string) => hashed(server, role, "role");

/**
 * The same, short: for StatefulSets, whose pods have a label of the name, a '-' and a hash of ten characters, and for what
 * other operators make more names of. At most 40 characters.
 */
export const shortRoleName = (server: string, role: string) => hashed(server, role, "role", 40);
