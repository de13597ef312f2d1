// The rules about imports find what they are there to find. That the code keeps them is a step of `npm run check`.
import { describe, expect, test } from "vitest";
import { importProblems, importProblemsOf } from "../support/imports.ts";
import { root } from "../support/processes.ts";

test("the code keeps its layers", () => {
  expect(importProblems(root)).toEqual([]);
});

describe("an import is found that goes", () => {
  test.each([
    ["from kube to api", "operator/kube/queue.ts", 'import { kind } from "../api/mcpserver.ts";'],
    ["from kube to desired", "operator/kube/queue.ts", 'import { manager } from "../desired/labels.ts";'],
    ["from api to desired", "operator/api/crd.ts", 'import type { World } from "../desired/index.ts";'],
    ["from desired to status", "operator/desired/pdb.ts", 'import type { Evidence } from "../status/checks.ts";'],
    ["from desired to kube", "operator/desired/pdb.ts", 'import { ApiError } from "../kube/errors.ts";'],
    ["from desired to reconcile", "operator/desired/pdb.ts", 'export * from "../reconcile/plan.ts";'],
    ["from status to kube", "operator/status/index.ts", 'import "../kube/errors.ts";'],
    ["from reconcile to main", "operator/reconcile/plan.ts", 'const { main } = await import("../main.ts");'],
    [
      "from the operator to tests",
      "operator/reconcile/plan.ts",
      'import { run } from "../../test/support/processes.ts";',
    ],
    ["out of an example", "examples/basket/server.ts", 'import { kind } from "../../operator/api/mcpserver.ts";'],
    ["to a package, from desired", "operator/desired/pdb.ts", 'import { readFileSync } from "node:fs";'],
    ["to a package, from status", "operator/status/index.ts", 'import { pino } from "pino";'],
    ["over several lines", "operator/desired/pdb.ts", 'import {\n  a,\n  b,\n} from "../kube/store.ts";'],
    ["from a folder without a layer", "operator/utils/x.ts", ""],
  ])("%s", (_, file, source) => {
    expect(importProblemsOf(file, source)).toHaveLength(1);
  });
});

describe("what isn't pure is found", () => {
  test.each([
    "Date.now()",
    "new Date()",
    "Math.random()",
    "randomBytes(32)",
    "process.env.X",
    "console.log(1)",
    "performance.now()",
    "setTimeout(f)",
    "fetch(url)",
  ])("%s", (code) => {
    expect(importProblemsOf("operator/desired/pdb.ts", `const x = ${code};`)).toHaveLength(1);
    expect(importProblemsOf("operator/status/index.ts", `const x = ${code};`)).toHaveLength(1);
    expect(importProblemsOf("operator/kube/queue.ts", `const x = ${code};`)).toEqual([]);
  });
});

describe("nothing is found in", () => {
  test.each([
    [
      "the allowed direction",
      "operator/status/index.ts",
      'import { kind } from "../api/mcpserver.ts";\nimport type { World } from "../desired/index.ts";',
    ],
    ["a folder's own files", "operator/kube/queue.ts", 'import { backoffDelay } from "./backoff.ts";'],
    ["a comment", "operator/desired/pdb.ts", '// from "../kube/x.ts", with Date.now()\n/* new Date() */\n'],
    ["a date that was given", "operator/status/index.ts", "const at = new Date(now).toISOString(); Date.parse(at);"],
    ["tests", "test/unit/x.test.ts", 'import { kind } from "../../operator/api/mcpserver.ts";'],
  ])("%s", (_, file, source) => {
    expect(importProblemsOf(file, source)).toEqual([]);
  });
});
