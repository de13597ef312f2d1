// The workflows that test and release: as far as can be told without running them.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { expect, inject, test } from "vitest";
import { root, run } from "../support/processes.ts";

const files = globSync(".github/workflows/*.yaml", { cwd: root });

test("actionlint finds nothing wrong with them", async () => {
  expect(files.length).toBeGreaterThan(1);
  // Programs that it would call where they happen to be installed are left out: the outcome is the same everywhere.
  const { code, stdout, stderr } = await run([
    inject("actionlint"),
    "-no-color",
    "-shellcheck=",
    "-pyflakes=",
    ...files,
  ]);
  expect(`${stdout}${stderr}`).toBe("");
  expect(code).toBe(0);
});

interface Workflow {
  jobs: Record<string, { steps: { uses?: string; run?: string; with?: Record<string, unknown> }[] }>;
}

test("whoever runs all tests has the history, which the test of upgrades needs", () => {
  const { jobs } = load(readFileSync(join(root, ".github/workflows/ci.yaml"), "utf8")) as Workflow;
  const testing = Object.values(jobs).filter(({ steps }) => steps.some((step) => step.run?.includes(".ci/run")));
  expect(testing).toHaveLength(1);
  const checkout = testing[0]?.steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
  expect(checkout?.with).toMatchObject({ "fetch-depth": 0 });
});
