// Plays scenarios, two at once on a cluster each, and says how each went. Those that measure times are played alone, last.
import { messageOf } from "../cluster/wait.ts";
import { lanes } from "./lanes.ts";
import type { Scenario } from "./scenario.ts";
import { newRun, openStage, openTheatre, type Run, type Theatre } from "./stage.ts";

export interface Outcome {
  scenario: Scenario;
  passed: boolean;
  seconds: number;
  /** What was done and found; of a failure, why. */
  said: string[];
}

const reasonOf = (error: unknown) =>
  error instanceof Error && error.constructor === TypeError ? (error.stack ?? error.message) : messageOf(error);

/** Never throws: what went wrong is the outcome. */
async function play(scenario: Scenario, theatre: Theatre): Promise<Outcome> {
  const began = Date.now();
  const said: string[] = [];
  const stage = openStage(theatre, (line) => said.push(line));
  let passed = true;
  try {
    await scenario.play(stage);
  } catch (error) {
    passed = false;
    said.push(reasonOf(error), ...stage.lastWords().slice(0, 3));
  }
  await stage.close();
  return { scenario, passed, said, seconds: (Date.now() - began) / 1000 };
}

const atOnce = 2;

/** Plays them all; each outcome is handed on as it comes. */
export async function playAll(
  scenarios: readonly Scenario[],
  options: Pick<Run, "seed" | "whole">,
  ended: (outcome: Outcome) => void,
): Promise<void> {
  const run = newRun(options);
  const together = scenarios.filter(({ alone }) => !alone);
  const count = Math.max(1, Math.min(atOnce, together.length));
  const names = Array.from({ length: count }, (_, index) => `chaos-${index + 1}-${process.pid}`);
  const theatres: Theatre[] = [];
  try {
    for (const name of names) theatres.push(await openTheatre(run, name));
    const free = [...theatres];
    await lanes(count, together, async (scenario) => {
      const theatre = free.pop() as Theatre;
      ended(await play(scenario, theatre));
      free.push(theatre);
    });
    const [first] = theatres;
    if (first) for (const scenario of scenarios) if (scenario.alone) ended(await play(scenario, first));
  } finally {
    await Promise.all(theatres.map((theatre) => theatre.stop()));
  }
}

export const titleOf = ({ number, name }: Scenario) => `${String(number).padStart(2)} ${name}`;

/** The outcome in a line, and under it what was said. */
export function shown({ scenario, passed, seconds, said }: Outcome): string {
  const head = `${passed ? "ok    " : "FAILED"} ${titleOf(scenario).padEnd(60)} ${seconds.toFixed(1).padStart(7)} s`;
  return [head, ...said.flatMap((text) => text.split("\n")).map((line) => `         ${line}`)].join("\n");
}
