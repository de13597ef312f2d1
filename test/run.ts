// `npm test`: the checks, then all tiers of tests, each with its progress. Ends with the line `N passed, N failed`, in which
// every check and every test counts one; nothing may be skipped, so what was skipped has failed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { rightsPart, tiersWithRights } from "./rights.ts";
import { root, run } from "./support/processes.ts";
import { type Tally, tallyOf } from "./support/tally.ts";

const tiers = ["unit", "golden", "stores", "charts", "gitops", "control-plane", "chaos", "pods", "gateways"];
const parts = ["check", ...tiers, "rights"];
/** Tiers in which a test takes seconds: each is shown as it ends. */
const slow = new Set(["control-plane", "chaos", "pods", "gateways"]);

const help = `npm test [-- part …]

  check            types, lint and format, unused code, generated files, import direction (npm run check)
  unit             pure functions and the engine, without a cluster
  golden           what render prints, against test/golden/*.out.yaml (UPDATE_GOLDEN=1 rewrites them)
  stores           the sample server against real Redis and PostgreSQL, of Debian's packages
  charts           the Helm charts: what they render, refuse and grant (UPDATE_GOLDEN=1 rewrites test/charts/*.out.yaml); and the
                   workflows that release them
  gitops           what Flux and Argo CD read from an McpServer's status, and the examples for them
  control-plane    the operator against a real API server, without nodes
  chaos            the operator under faults, the quick part (npm run chaos plays all)
  pods             the operator, its pods and their callers, on a real cluster
  gateways         the same, through real gateways: Envoy Gateway and Traefik
  rights           what operators did in the three tiers above, against the rights that the chart grants; comes with each
                   of these tiers, and needs all three to tell which rights nobody uses

Without a part: all, in this order. Ends with "N passed, N failed"; exits with 1 when something failed.
`;

async function checkPart(): Promise<Tally> {
  const outcomes = await check();
  const failed = outcomes.filter(({ passed }) => !passed).map(({ name }) => name);
  return { passed: outcomes.length - failed.length, failed };
}

const report = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return;
  }
};

async function tier(name: string): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-test-"));
  const file = join(folder, "report.json");
  const reporters = [
    `--reporter=${slow.has(name) ? "verbose" : "default"}`,
    "--reporter=json",
    `--outputFile.json=${file}`,
  ];
  try {
    const { code } = await run(
      ["node", join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", name, ...reporters],
      { show: true },
    );
    return tallyOf(report(file), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(): string[] | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  const unknown = positionals.filter((name) => !parts.includes(name));
  for (const name of unknown) console.error(`there is no part '${name}': the parts are ${parts.join(", ")}`);
  if (unknown.length > 0) process.exitCode = 2;
  if (values.help) console.log(help);
  if (values.help || unknown.length > 0) return;
  const named = new Set(positionals);
  if (tiersWithRights.some((name) => named.has(name))) named.add("rights");
  return parts.filter((name) => named.size === 0 || named.has(name));
}

/** What the parts of a run share: who is in it, and where tiers keep what the rights are told from. */
interface Run {
  names: string[];
  folder: string;
}

const partOf = (name: string, { names, folder }: Run): Promise<Tally> | Tally => {
  if (name === "check") return checkPart();
  return name === "rights" ? rightsPart(folder, names) : tier(name);
};

/** Runs the parts one after another until the user interrupts; the running part hears of it too and cleans up. */
async function main(names: string[]): Promise<void> {
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (interrupted = true));
  const failures: string[] = [];
  let passed = 0;
  const folder = mkdtempSync(join(tmpdir(), "anypod-rights-"));
  process.env.ANYPOD_TEST_RIGHTS = folder;
  for (const name of names) {
    if (interrupted) failures.push(`${name}: not run, because it was interrupted`);
    else {
      console.log(`\n── ${name} ──`);
      const tally = await partOf(name, { names, folder });
      passed += tally.passed;
      failures.push(...tally.failed.map((failure) => `${name}: ${failure}`));
    }
  }
  rmSync(folder, { recursive: true });
  console.log(failures.length > 0 ? `\nfailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}\n` : "");
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

const names = chosen();
if (names) await main(names);
