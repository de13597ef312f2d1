// The quick part of the fault suite, one test a scenario. `npm run chaos -- quick` plays the same and prints more.
import { randomInt } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { scenarios } from "./scenarios/index.ts";
import { type Outcome, playAll, shown, titleOf } from "./suite.ts";

const seed = Number(process.env.ANYPOD_CHAOS_SEED ?? randomInt(1_000_000));
const chosen = scenarios.filter(({ quick }) => quick);
const outcomes = new Map(chosen.map((scenario) => [scenario, Promise.withResolvers<Outcome>()]));

describe(`seed ${seed}`, { timeout: 600_000 }, () => {
  let playing: Promise<void>;

  beforeAll(() => {
    playing = playAll(chosen, { seed, whole: false }, (outcome) => outcomes.get(outcome.scenario)?.resolve(outcome));
    // Without a cluster no scenario has an outcome.
    playing.catch((error) => {
      for (const outcome of outcomes.values()) outcome.reject(error);
    });
    return () => playing;
  });

  test.each(chosen.map((scenario) => [titleOf(scenario), scenario] as const))("%s", async (_, scenario) => {
    const outcome = await outcomes.get(scenario)?.promise;
    console.log(outcome && shown(outcome));
    expect(outcome?.passed, outcome?.said.join("\n")).toBe(true);
  });
});
