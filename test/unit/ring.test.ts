// What a ring's hashes tell: which key is used, and which are accepted.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptedHashAnnotation,
  nextRing,
  type Ring,
  type RingKeys,
  ringAnnotations,
  ringOf,
  ringStateOf,
  usedHashAnnotation,
} from "../../operator/desired/ring.ts";

const began = "2026-01-01T00:00:00.000Z";
const later = "2026-01-02T00:00:00.000Z";
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const keys = fc.uniqueArray(key, { minLength: 3, maxLength: 3 }) as fc.Arbitrary<string[]>;
const ring = (...given: RingKeys) => ringOf(given, "steady", began) as Ring & { keys: RingKeys };

describe("the hash of", () => {
  test("the accepted keys doesn't depend on their order, and differs with any of them", () => {
    fc.assert(
      fc.property(keys, ([a = "", b = "", c = ""]) => {
        expect(ring(a, b).accepted).toBe(ring(b, a).accepted);
        expect(ring(a, b).accepted).not.toBe(ring(a, c).accepted);
        expect(ring(a, b).accepted).not.toBe(ring(a).accepted);
      }),
    );
  });

  test("the used key is the first one's, whatever the others are", () => {
    fc.assert(
      fc.property(keys, ([a = "", b = "", c = ""]) => {
        expect(ring(a, b).used).toBe(ring(a, c).used);
        expect(ring(a, b).used).not.toBe(ring(b, a).used);
      }),
    );
  });

  test("neither is the other's, nor that of a key alone, so that no two say more than one", () => {
    const { used, accepted, hash } = ring("a");
    expect(new Set([used, accepted, hash]).size).toBe(3);
  });
});

describe("a rotation", () => {
  test("changes what is accepted when it begins and not when it ends, and what is used when it ends and not before", () => {
    fc.assert(
      fc.property(keys, ([a = "", b = "", fresh = ""]) => {
        const steady = ring(a, b);
        const staged = nextRing("stage", steady, fresh, later) as typeof steady;
        const promoted = nextRing("promote", staged, "", later);
        expect(staged.accepted).not.toBe(steady.accepted);
        expect(staged.used).toBe(steady.used);
        expect(promoted.accepted).toBe(staged.accepted);
        expect(promoted.used).not.toBe(steady.used);
        expect(promoted.keys).toEqual([fresh, a]);
      }),
    );
  });
});

describe("a Secret's annotations", () => {
  const whole = ring("a", "b");
  const { keys: _, ...state } = whole;
  const annotations = {
    ...ringAnnotations(whole),
    [usedHashAnnotation]: whole.used,
    [acceptedHashAnnotation]: whole.accepted,
  };

  test("give the state back, with both hashes", () => {
    expect(ringStateOf(annotations)).toEqual(state);
  });

  test("say nothing of used and accepted keys when one of the two is gone", () => {
    const { used: _used, accepted: _accepted, ...rest } = state;
    expect(ringStateOf({ ...annotations, [usedHashAnnotation]: undefined })).toEqual(rest);
    expect(ringStateOf({ ...annotations, [acceptedHashAnnotation]: undefined })).toEqual(rest);
  });
});
