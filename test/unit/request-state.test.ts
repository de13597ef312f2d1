import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestStateEnv, requestStateSecret, requestStateSecretName } from "../../operator/desired/request-state.ts";
import {
  nextRing,
  type Ring,
  type RingKeys,
  ringHashAnnotation,
  ringKeysOf,
  ringOf,
  ringPhaseAnnotation,
  ringStateOf,
  ringStep,
  rotatedAtAnnotation,
} from "../../operator/desired/ring.ts";
import { serverOf } from "../support/arbitraries.ts";

const minute = 60_000;
const began = "2026-01-01T00:00:00.000Z";
const at = (minutes: number) => Date.parse(began) + minutes * minute;
const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const server = serverOf("basket", { image: "basket" });
type Whole = Ring & { keys: RingKeys };
const ring = (...keys: [string, ...string[]]): Whole => ringOf(keys, "steady", began) as Whole;
const step = (kind: "stage" | "promote", from: Whole, fresh: string, minutes = 0) =>
  nextRing(kind, from, fresh, new Date(at(minutes)).toISOString()) as Whole;

describe("what to do about a ring", () => {
  const steady = ring(key(1));
  const staged = { ...steady, phase: "staged" as const };

  test("is to create it when there is none", () => {
    expect(ringStep(undefined, undefined, false, at(0))).toEqual({ step: "create" });
  });

  test("is nothing, for ever, when it doesn't rotate", () => {
    expect(ringStep(undefined, steady, true, at(1e6))).toEqual({ step: "keep" });
  });

  test("is nothing before its time, and to look again exactly then", () => {
    expect(ringStep("10m", steady, true, at(4))).toEqual({ step: "keep", after: 6 * minute });
    expect(ringStep("10m", steady, false, at(9.5))).toEqual({ step: "keep", after: 0.5 * minute });
  });

  test("is to stage a new key when its time has come, once no rollout is under way", () => {
    expect(ringStep("10m", steady, false, at(10))).toEqual({ step: "keep" });
    expect(ringStep("10m", steady, true, at(10))).toEqual({ step: "stage" });
  });

  test("is to promote a staged key once every pod can open it, and not before", () => {
    expect(ringStep("10m", staged, false, at(100))).toEqual({ step: "keep" });
    expect(ringStep("10m", staged, true, at(0))).toEqual({ step: "promote" });
  });

  test("is to finish a rotation that was begun, also when rotateEvery is gone", () => {
    expect(ringStep(undefined, staged, true, at(0))).toEqual({ step: "promote" });
  });
});

describe("a rotation", () => {
  test("brings a new key in behind the sealing one, and then to the front", () => {
    const staged = step("stage", ring(key(1), key(0)), key(2), 10);
    expect(staged).toMatchObject({ keys: [key(1), key(2)], phase: "staged", rotatedAt: began });
    expect(step("promote", staged, key(9), 11)).toMatchObject({
      keys: [key(2), key(1)],
      phase: "steady",
      rotatedAt: new Date(at(11)).toISOString(),
    });
  });

  test("changes the hash at every step, so that every step rolls the pods once", () => {
    const steady = ring(key(1));
    const staged = step("stage", steady, key(2));
    const promoted = step("promote", staged, key(3));
    expect(new Set([steady, staged, promoted].map(({ hash }) => hash)).size).toBe(3);
  });

  test("of a staged ring that lost its new key goes back to the one that there is", () => {
    const lost = { ...ring(key(1)), phase: "staged" as const };
    expect(step("promote", lost, key(2))).toMatchObject({ keys: [key(1)], phase: "steady" });
  });

  /** Every pod that runs one of the rings can open what a pod with any of them seals. */
  const allOpen = (rings: Whole[]) => rings.every(({ keys }) => rings.every((sealer) => keys.includes(sealer.keys[0])));

  /** One pass: the current ring comes first in what pods may run, and is alone once its rollout is over. */
  function turn(running: [Whole, ...Whole[]], rolledOut: boolean, minutes: number): [Whole, ...Whole[]] {
    const [current] = running;
    const left: [Whole, ...Whole[]] = rolledOut ? [current] : running;
    const { step: todo } = ringStep("10m", current, rolledOut, at(minutes));
    return todo === "stage" || todo === "promote" ? [step(todo, current, key(minutes), minutes), ...left] : left;
  }

  /**
   * The model: time goes on by some minutes, and a rollout is over or not. A ring changes only as ringStep says; while a
   * rollout is under way, pods of two adjacent rings run beside each other, and any may get state that another sealed.
   */
  test("never leaves a pod with state of another pod that it can't open", () => {
    const moves = fc.array(fc.record({ minutes: fc.integer({ min: 1, max: 15 }), rolledOut: fc.boolean() }), {
      maxLength: 16,
    });
    fc.assert(
      fc.property(moves, (history) => {
        let now = 0;
        let running: [Whole, ...Whole[]] = [ring(key(0))];
        for (const { minutes, rolledOut } of history) {
          now += minutes;
          running = turn(running, rolledOut, now);
          expect(allOpen(running)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("would leave such pods if the new key sealed at once", () => {
    expect(allOpen([ring(key(2), key(1)), ring(key(1), key(0))])).toBe(false);
  });

  test("keeps what was sealed before it readable until the next one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), (rotations) => {
        let current = ring(key(0));
        for (let round = 1; round <= rotations; round++) {
          const sealedWith = current.keys[0];
          current = step("promote", step("stage", current, key(round)), key(99));
          expect(current.keys).toEqual([key(round), sealedWith]);
        }
      }),
    );
  });
});

describe("the Secret of a ring", () => {
  const decode = (text = "") => Buffer.from(text, "base64").toString();
  const secretOf = (whole: Ring) =>
    requestStateSecret(server, whole) as unknown as {
      data: Record<string, string>;
      metadata: { annotations: Record<string, string> };
    };

  test("holds the sealing key, and all with the sealing one first", () => {
    const { data } = secretOf(ring(key(1), key(2)));
    expect(decode(data.key)).toBe(key(1));
    expect(decode(data.keys)).toBe(`${key(1)},${key(2)}`);
  });

  test("can be read back, keys and state", () => {
    const whole = ring(key(1), key(2));
    const { data, metadata } = secretOf(whole);
    expect(ringKeysOf(data)).toEqual(whole.keys);
    expect(ringStateOf(metadata.annotations)).toEqual({ phase: "steady", rotatedAt: began, hash: whole.hash });
  });

  test("shows nothing of its keys outside of its data", () => {
    const { data: _, ...rest } = secretOf(ring(key(1), key(2)));
    expect(JSON.stringify(rest)).not.toContain(key(1));
    expect(JSON.stringify(rest)).not.toContain(key(2));
  });

  test("that render prints can't be applied as keys: it is no base64, and read back it holds none", () => {
    const { data, metadata } = secretOf({ phase: "steady", rotatedAt: "<generated>", hash: "<generated>" });
    expect(data).toEqual({ key: "<generated>", keys: "<generated>" });
    expect(ringKeysOf(data)).toBeUndefined();
    expect(ringStateOf(metadata.annotations)).toBeUndefined();
  });

  test("isn't made when the user brings one, and pods read theirs, with or without a ring", () => {
    const own = serverOf("basket", { image: "basket", requestState: { secretRef: { name: "mine" } } });
    expect(requestStateSecret(own, ring(key(1)))).toBeUndefined();
    expect(requestStateEnv(own)).toEqual([
      { name: "MCP_REQUEST_STATE_KEY", valueFrom: { secretKeyRef: { name: "mine", key: "key" } } },
      { name: "MCP_REQUEST_STATE_KEYS", valueFrom: { secretKeyRef: { name: "mine", key: "keys", optional: true } } },
    ]);
  });

  test("is what pods read when it is anypod's", () => {
    const name = requestStateSecretName(server);
    expect(requestStateEnv(server)).toEqual([
      { name: "MCP_REQUEST_STATE_KEY", valueFrom: { secretKeyRef: { name, key: "key" } } },
      { name: "MCP_REQUEST_STATE_KEYS", valueFrom: { secretKeyRef: { name, key: "keys" } } },
    ]);
  });
});

describe("a Secret that somebody edited", () => {
  const whole = { [ringHashAnnotation]: "h", [ringPhaseAnnotation]: "steady", [rotatedAtAnnotation]: began };

  test.each([
    ["no annotations", {}],
    ["no hash", { ...whole, [ringHashAnnotation]: undefined }],
    ["an empty hash", { ...whole, [ringHashAnnotation]: "" }],
    ["an unknown phase", { ...whole, [ringPhaseAnnotation]: "rotating" }],
    ["no phase", { ...whole, [ringPhaseAnnotation]: undefined }],
    ["a time that is none", { ...whole, [rotatedAtAnnotation]: "yesterday" }],
    ["no time", { ...whole, [rotatedAtAnnotation]: undefined }],
  ])("with %s has no state", (_, annotations) => {
    expect(ringStateOf(annotations)).toBeUndefined();
  });

  const data = (keys: string) => ({ keys: Buffer.from(keys).toString("base64") });
  test.each([
    ["no data", undefined],
    ["no keys", {}],
    ["empty keys", data("")],
    ["a short key", data(Buffer.alloc(16).toString("base64"))],
    ["one good and one bad key", data(`${key(1)},x`)],
    ["a comma too many", data(`${key(1)},`)],
    ["something that isn't base64", { keys: "<generated>" }],
  ])("with %s has no keys", (_, value) => {
    expect(ringKeysOf(value)).toBeUndefined();
  });

  test("never makes reading it throw", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("key", "keys"), fc.string()),
        fc.dictionary(fc.constantFrom(...Object.keys(whole)), fc.string()),
        (values, annotations) => {
          ringKeysOf(values);
          ringStateOf(annotations);
        },
      ),
    );
  });
});
