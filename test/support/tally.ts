// What a tier of tests came to, from vitest's JSON report and its exit code.

export interface Tally {
  passed: number;
  /** One line each. */
  failed: string[];
}

interface Report {
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

const firstLine = (text = "") => text.split("\n")[0] ?? "";

/** Tests that didn't pass (skipped ones didn't), and files that could not be loaded. */
function failuresOf({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults
      .filter((test) => test.status !== "passed")
      .map((test) => `${test.fullName}${test.status === "failed" ? "" : ` (${test.status})`}`);
    return tests.length === 0 && status === "failed" ? [`${name}: ${firstLine(message)}`] : tests;
  });
}

/**
 * Counts a tier.
 * @param report vitest's JSON report; undefined when it wrote none
 * @param code its exit code
 */
export function tallyOf(report: unknown, code: number): Tally {
  if (report === undefined) return { passed: 0, failed: [`did not start: vitest ended with ${code}, see above`] };
  const { testResults } = report as Report;
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = failuresOf(report as Report);
  if (all.length === 0 && failed.length === 0) failed.push("has no tests");
  if (code !== 0 && failed.length === 0) failed.push(`no test failed, but vitest ended with ${code}: see above`);
  return { passed: all.filter(({ status }) => status === "passed").length, failed };
}
