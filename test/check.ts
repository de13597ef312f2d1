// `npm run check`: all that can be said of the code without running it. Every step runs, whatever the others say.
import { importProblems } from "./support/imports.ts";
import { root, run } from "./support/processes.ts";

interface Step {
  name: string;
  /** What is wrong; empty when nothing is. */
  problems: () => Promise<string>;
}

/** A step that is a program: its output is what is wrong, when it fails. */
const program = (name: string, ...command: string[]): Step => ({
  name,
  problems: async () => {
    const { code, stdout, stderr } = await run(command);
    return code === 0 ? "" : `${stdout}${stderr}`.trim() || `${command.join(" ")} ended with ${code}`;
  },
});

const steps: Step[] = [
  program("types", "tsc"),
  program("lint and format", "biome", "check", "--colors=off", "--max-diagnostics=100"),
  program("unused code", "knip", "--no-progress"),
  program("generated files fresh", "node", "operator/api/generate.ts", "--check"),
  program("charts fresh", "node", "charts/generate/main.ts", "--check"),
  { name: "import direction", problems: async () => importProblems(root).join("\n") },
];

export interface StepOutcome {
  name: string;
  passed: boolean;
}

async function runStep({ name, problems }: Step): Promise<StepOutcome> {
  const began = performance.now();
  const found = await problems().catch((error: Error) => error.stack ?? error.message);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${found === "" ? "ok    " : "FAILED"} ${name.padEnd(24)} ${seconds.padStart(5)} s`);
  if (found !== "") console.log(found.replaceAll(/^/gm, "       "));
  return { name, passed: found === "" };
}

const atOnce = 2;

/** Runs all steps, two at once, and prints each one's outcome as it ends. */
export async function check(): Promise<StepOutcome[]> {
  const todo = [...steps];
  const outcomes: StepOutcome[] = [];
  const worker = async () => {
    for (let step = todo.shift(); step; step = todo.shift()) outcomes.push(await runStep(step));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}

if (import.meta.main) {
  const outcomes = await check();
  process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
}
