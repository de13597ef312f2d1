// `npm run chaos`: the operator under faults, against a real API server behind a proxy that makes things go wrong.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { type Outcome, playAll, shown } from "./suite.ts";

const help = `npm run chaos [-- what …] [-- --seed N]

  quick        the quick part, which npm test plays too: within five minutes
  11 12 …      these scenarios, in full; "quick 11" plays their quick form
  --seed N     replays what was random in the run with this seed  [$ANYPOD_CHAOS_SEED] (default: a new one)
  --list       names the scenarios

Without a number: all. Ends with "N passed, N failed"; exits with 1 when something failed.
`;

interface Request {
  chosen: Scenario[];
  whole: boolean;
  seed: number;
}

const list = () =>
  scenarios
    .map(
      ({ number, name, quick }) => `${String(number).padStart(4)}  ${name}${quick ? "" : "  (not in the quick part)"}`,
    )
    .join("\n");

/** What the command line asks for; a text when that is only to be printed. */
function asked(): Request | { text: string; code: number } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: "string" }, help: { type: "boolean", short: "h" }, list: { type: "boolean" } },
  });
  if (values.help) return { text: help, code: 0 };
  if (values.list) return { text: list(), code: 0 };
  const quick = positionals.includes("quick");
  const numbers = positionals.filter((word) => word !== "quick");
  const unknown = numbers.filter((word) => !scenarios.some(({ number }) => String(number) === word));
  if (unknown.length > 0)
    return { text: `there is no scenario ${unknown.join(", ")}: see npm run chaos -- --list`, code: 2 };
  const seed = Number(values.seed ?? process.env.ANYPOD_CHAOS_SEED ?? randomInt(1_000_000));
  if (!Number.isInteger(seed)) return { text: "--seed takes a whole number", code: 2 };
  const inScope = (scenario: Scenario) =>
    numbers.length > 0 ? numbers.includes(String(scenario.number)) : scenario.quick || !quick;
  return { chosen: scenarios.filter(inScope), whole: !quick, seed };
}

async function run({ chosen, whole, seed }: Request): Promise<Outcome[]> {
  console.log(
    `seed ${seed}: replay with ANYPOD_CHAOS_SEED=${seed} npm run chaos -- ${whole ? "" : "quick "}<scenario>\n`,
  );
  const outcomes: Outcome[] = [];
  await playAll(chosen, { seed, whole }, (outcome) => {
    console.log(shown(outcome));
    outcomes.push(outcome);
  });
  return outcomes.toSorted((a, b) => a.scenario.number - b.scenario.number);
}

function report(outcomes: Outcome[]): void {
  console.log("");
  for (const outcome of outcomes) console.log(shown({ ...outcome, said: [] }));
  const failed = outcomes.filter(({ passed }) => !passed).length;
  console.log(`\n${outcomes.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

const request = asked();
if ("text" in request) {
  console.log(request.text);
  process.exitCode = request.code;
} else {
  // The exit handlers end the operators, and the cluster ends by itself with this process.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
  report(await run(request));
  // Connections of operators that were killed in the middle of a call may linger.
  process.exit();
}
