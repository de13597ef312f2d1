// How `npm test` counts: nothing that didn't pass may look as if it had.
import { describe, expect, test } from "vitest";
import { tallyOf } from "../support/tally.ts";

const file = (...statuses: string[]) => ({
  name: "x.test.ts",
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status, index) => ({ status, fullName: `test ${index}` })),
});
const report = (...testResults: object[]) => ({ testResults });

describe("a tier", () => {
  test("of passed tests counts them", () => {
    expect(tallyOf(report(file("passed", "passed"), file("passed")), 0)).toEqual({ passed: 3, failed: [] });
  });

  test("has failed tests by name, and takes skipped and todo ones as failed", () => {
    const statuses = ["passed", "failed", "skipped", "todo", "pending"];
    expect(tallyOf(report(file(...statuses)), 1)).toEqual({
      passed: 1,
      failed: ["test 1", "test 2 (skipped)", "test 3 (todo)", "test 4 (pending)"],
    });
  });

  test("has failed when a file of it can't be loaded", () => {
    const broken = {
      name: "broken.test.ts",
      status: "failed",
      message: "SyntaxError: no\nat line 3",
      assertionResults: [],
    };
    expect(tallyOf(report(file("passed"), broken), 1)).toEqual({
      passed: 1,
      failed: ["broken.test.ts: SyntaxError: no"],
    });
  });

  test.each<[string, unknown, number]>([
    ["has no tests", report(), 0],
    ["has no tests", report(), 1],
    ["did not start", undefined, 1],
    ["no test failed, but vitest ended with 1", report(file("passed")), 1],
  ])("has failed when it %s", (reason, value, code) => {
    const { failed } = tallyOf(value, code);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toContain(reason);
  });
});
