// Prometheus' own tool: what rules and queries make of series that a test makes up.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { inject } from "vitest";
import { output } from "../cluster/addons/commands.ts";

/** Series by their labels, with samples once a minute, as promtool writes them: `0+3x20` are 20 steps by 3. */
export type MadeUp = Record<string, string>;

/** Runs the tool. Throws with what it says is wrong. */
export const promtool = (...args: string[]) =>
  output(inject("promtool"), args).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`${error.stdout}${error.stderr}`);
  });

/** Holds a test of promtool's, such as `{promql_expr_test: […]}`, against the series. Throws with what is different. */
export async function holds(series: MadeUp, expected: object, ruleFiles: string[] = []): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-promtool-"));
  const given = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const test = { interval: "1m", input_series: given, ...expected };
  try {
    const file = join(folder, "test.yaml");
    writeFileSync(file, dump({ rule_files: ruleFiles, evaluation_interval: "1m", tests: [test] }));
    await promtool("test", "rules", file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
