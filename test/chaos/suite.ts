// Plays scenarios one after another on one theatre and says how each went.
import type { Scenario } from "./scenario.ts";
import { openStage, type Theatre } from "./stage.ts";

export interface Outcome {
  scenario: Scenario;
  passed: boolean;
  seconds: number;
  /** What was done and found; of a failure, why. */
  said: string[];
}

export interface PlayOptions {
  theatre: Theatre;
  seed: number;
  whole: boolean;
}

/** Plays one scenario. Never throws: what went wrong is the outcome. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<Outcome> {
  const began = Date.now();
  const said: string[] = [];
  const stage = openStage({ ...options, say: (line) => said.push(line) });
  let passed = true;
  try {
    await scenario.play(stage);
  } catch (error) {
    passed = false;
    said.push(
      error instanceof Error && error.name === "Error" ? error.message : String((error as Error).stack ?? error),
    );
  }
  await stage.close();
  return { scenario, passed, said, seconds: (Date.now() - began) / 1000 };
}

export const titleOf = ({ number, name }: Scenario) => `${String(number).padStart(2)} ${name}`;

/** The outcome in a line, and under it what was said. */
export function shown({ scenario, passed, seconds, said }: Outcome): string {
  const head = `${passed ? "ok    " : "FAILED"} ${titleOf(scenario).padEnd(52)} ${seconds.toFixed(1).padStart(7)} s`;
  return [head, ...said.flatMap((text) => text.split("\n")).map((line) => `         ${line}`)].join("\n");
}
