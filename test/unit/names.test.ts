import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownName, poolName, roleName, shortRoleName } from "../../operator/desired/names.ts";

const childName = (name: string, pool?: string) => (pool === undefined ? ownName(name) : poolName(name, pool));

/** DNS-1035, as a Service's name must be. */
const dns1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const prefix = "a-very-long-server-name-that-is-shared-by-all-of-these-serv-x"; // 61 characters
/** Few letters and many dashes, so that joined names meet; and names that look as if they were made here. */
const part = fc.oneof(
  fc.stringMatching(/^[ab](-[ab]){0,3}$/),
  fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/),
  fc.stringMatching(/^[ab]-[bcdfghjklmnpqrstvwxz2456789]{8}$/),
  fc.stringMatching(/^[a-z0-9]{1,2}$/).map((end) => prefix + end),
);
const server = part.filter((name) => dns1035.test(name));
const input = fc.oneof(
  fc.tuple(server),
  fc.tuple(server, part),
  // Names that were made here, as names of servers.
  fc.tuple(server, part).map(([name, pool]) => [childName(name, pool)] as [string]),
);

describe("names of objects", () => {
  test("differ whenever server or pool differ", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(input, { minLength: 2, maxLength: 30, selector: (parts) => parts.join("/") }),
        (inputs) => {
          const names = inputs.map(([name, pool]) => childName(name, pool));
          const names2 = new Set(names);
          if (names2.size === names.length) return;
          const twice = inputs.filter(
            (_, index) => names.indexOf(names[index] as string) !== names.lastIndexOf(names[index] as string),
          );
          expect.fail(`one name for ${JSON.stringify(twice)}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("are DNS labels of at most 63 characters that begin with a letter", () => {
    fc.assert(
      fc.property(input, ([name, pool]) => {
        const made = childName(name, pool);
        expect(made.length).toBeLessThanOrEqual(63);
        expect(made).toMatch(dns1035);
      }),
    );
  });

  test("tell a with pool b-c, a-b with pool c and a server a-b-c apart", () => {
    expect(new Set([childName("a", "b-c"), childName("a-b", "c"), childName("a-b-c")]).size).toBe(3);
  });

  test("tell servers with a shared prefix of 60 characters apart", () => {
    const [one, two] = [`${prefix}1`, `${prefix}2`];
    expect(new Set([childName(one), childName(two), childName(one, "p"), childName(two, "p")]).size).toBe(4);
  });

  test("tell a pool from what a server needs for a purpose of that name", () => {
    expect(roleName("basket", "request-state")).not.toBe(poolName("basket", "request-state"));
  });

  test("of what other kinds make more names of have at most 40 characters, and differ whenever server or purpose do", () => {
    const purpose = fc.constantFrom("redis", "postgresql", "pg", "replication");
    const inputs = fc.uniqueArray(fc.tuple(server, purpose), { minLength: 2, maxLength: 30, selector: String });
    fc.assert(
      fc.property(inputs, (all) => {
        const names = all.map(([name, of]) => shortRoleName(name, of));
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(dns1035);
        expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(40);
        // Where nothing is cut, a long name is the same as a short one: no two objects may meet.
        expect(all.map(([name, of]) => poolName(name, of)).filter((other) => names.includes(other))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("are the server's own name for what a server has one of", () => {
    expect(childName("basket")).toBe("basket");
    expect(childName("b".repeat(63))).toBe("b".repeat(63));
  });

  test("of a server that looks hashed are hashed, so that they are no other's", () => {
    const made = childName("basket", "slow");
    expect(childName(made)).not.toBe(made);
  });

  // Names can never change: objects of the old name would be deleted, and with them their pods.
  test.each([
    [["basket", "slow"], "basket-slow-xdzrb4f9"],
    [["basket", "request-state"], "basket-request-state-4xwqxdw5"],
    [["a", "b-c"], "a-b-c-mqnhpmt6"],
    [["a-b", "c"], "a-b-c-pnfhxpth"],
    [["b".repeat(63), "pool"], `${"b".repeat(54)}-`],
    [[`${"b".repeat(53)}-c`, "pool"], `${"b".repeat(53)}-[^-]{8}$`],
    [["basket-bcdfghjk"], "basket-bcdfghjk-"],
  ])("stay what they are: %j", ([name = "", pool], made) => {
    expect(childName(name, pool)).toMatch(new RegExp(`^${made}`));
  });
});
