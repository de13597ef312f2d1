// What a scenario is.
import type { Stage } from "./stage.ts";

export interface Scenario {
  /** As the list of what a trusted operator survives numbers them. */
  number: number;
  name: string;
  /** Whether the quick part plays it too (perhaps shorter). */
  quick: boolean;
  /** It measures times: nothing else may be played beside it. */
  alone?: true;
  /** Throws when the operator has failed. */
  play(stage: Stage): Promise<void>;
}

export const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);

/** The time that so great a share of them don't pass. */
export const percentile = (times: readonly number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
