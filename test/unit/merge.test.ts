import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { merge } from "../../operator/desired/merge.ts";

describe("a partial template merged over another", () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
    ["adds fields", { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ["replaces values", { a: 1 }, { a: "2" }, { a: "2" }],
    [
      "merges objects, at any depth",
      { a: { b: { c: 1, d: 1 } } },
      { a: { b: { c: 2 } } },
      { a: { b: { c: 2, d: 1 } } },
    ],
    ["deletes by null", { a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } }, { b: { d: 2 } }],
    [
      "never sends a null on, where there is nothing to delete",
      {},
      { a: { b: null, c: { d: null } } },
      { a: { c: {} } },
    ],
    ["leaves what is undefined", { a: 1 }, { a: undefined }, { a: 1 }],
    [
      "replaces an object by a value and a value by an object",
      { a: { b: 1 }, c: 1 },
      { a: 1, c: { d: 1 } },
      { a: 1, c: { d: 1 } },
    ],
    ["replaces lists without identity", { args: ["a", "b"] }, { args: ["c"] }, { args: ["c"] }],
    ["replaces a list by an empty one", { tolerations: [{ key: "a" }] }, { tolerations: [] }, { tolerations: [] }],
    [
      "merges containers by name, in their order, and adds new ones behind",
      {
        containers: [
          { name: "a", image: "1", tty: true },
          { name: "b", image: "1" },
        ],
      },
      {
        containers: [
          { name: "c", image: "3" },
          { name: "a", image: "2" },
        ],
      },
      {
        containers: [
          { name: "a", image: "2", tty: true },
          { name: "b", image: "1" },
          { name: "c", image: "3" },
        ],
      },
    ],
    [
      "merges init containers by name",
      { initContainers: [{ name: "a", image: "1", tty: true }] },
      { initContainers: [{ name: "a", image: "2" }] },
      { initContainers: [{ name: "a", image: "2", tty: true }] },
    ],
    [
      "merges mounts by path",
      { volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] },
      {
        volumeMounts: [
          { name: "big", mountPath: "/tmp" },
          { name: "c", mountPath: "/c" },
        ],
      },
      {
        volumeMounts: [
          { name: "big", mountPath: "/tmp" },
          { name: "c", mountPath: "/c" },
        ],
      },
    ],
    [
      "merges ports by number",
      { ports: [{ name: "mcp", containerPort: 8080, protocol: "TCP" }] },
      { ports: [{ containerPort: 8080, hostPort: 80 }] },
      { ports: [{ name: "mcp", containerPort: 8080, protocol: "TCP", hostPort: 80 }] },
    ],
    [
      "merges pull secrets by name",
      { imagePullSecrets: [{ name: "a" }] },
      { imagePullSecrets: [{ name: "b" }, { name: "a" }] },
      { imagePullSecrets: [{ name: "a" }, { name: "b" }] },
    ],
    [
      "merges spread constraints by topology",
      { topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" }] },
      { topologySpreadConstraints: [{ topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] },
      { topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }] },
    ],
    [
      "puts a variable in the place of one of its name, without the old source",
      {
        env: [
          { name: "A", valueFrom: { fieldRef: {} } },
          { name: "B", value: "b" },
        ],
      },
      {
        env: [
          { name: "A", value: "a" },
          { name: "C", value: "c" },
        ],
      },
      {
        env: [
          { name: "A", value: "a" },
          { name: "B", value: "b" },
          { name: "C", value: "c" },
        ],
      },
    ],
    [
      "puts a volume in the place of one of its name, without the old source",
      { volumes: [{ name: "tmp", emptyDir: {} }] },
      { volumes: [{ name: "tmp", hostPath: { path: "/x" } }] },
      { volumes: [{ name: "tmp", hostPath: { path: "/x" } }] },
    ],
  ])("%s", (_, base, patch, merged) => {
    expect(merge(base, patch)).toEqual(merged);
  });

  const json = fc.dictionary(fc.constantFrom("a", "b", "containers", "env", "args"), fc.jsonValue({ maxDepth: 3 }), {
    noNullPrototype: true,
  }) as fc.Arbitrary<Record<string, unknown>>;

  test("changes neither of the two", () => {
    fc.assert(
      fc.property(json, json, (base, patch) => {
        const before = structuredClone([base, patch]);
        merge(base, patch);
        expect([base, patch]).toEqual(before);
      }),
    );
  });

  test("changes nothing when it is empty, or when it is merged a second time", () => {
    const base = { spec: { containers: [{ name: "a", env: [{ name: "A", value: "1" }] }], volumes: [{ name: "v" }] } };
    const patch = {
      spec: { containers: [{ name: "a", env: [{ name: "B", value: "2" }] }, { name: "b" }], x: null, y: { z: 1 } },
    };
    expect(merge(base, {})).toEqual(base);
    expect(merge(merge(base, patch), patch)).toEqual(merge(base, patch));
  });
});
