// What a scenario is.
import type { Stage } from "./stage.ts";

export interface Scenario {
  /** As the list of what a trusted operator survives numbers them. */
  number: number;
  name: string;
  /** Whether the quick part plays it too (perhaps shorter). */
  quick: boolean;
  /** Throws when the operator has failed. */
  play(stage: Stage): Promise<void>;
}
