// Counting outcomes: a failed call is a failed call.
import { describeError } from "./client.ts";

const MOST_ERRORS = 20;

export interface Tally {
  calls: number;
  failed: number;
  readonly errors: string[];
  readonly pods: Record<string, number>;
  readonly versions: Record<string, number>;
}

/** Which pod answered, and the version that it runs. */
export interface Answerer {
  readonly pod: string;
  readonly version: string;
}

export function createTally(): Tally {
  return { calls: 0, failed: 0, errors: [], pods: {}, versions: {} };
}

/** Runs `call` and counts how it ended. Never rejects. */
export async function count(tally: Tally, call: () => Promise<Answerer>): Promise<void> {
  try {
    const { pod, version } = await call();
    tally.pods[pod] = (tally.pods[pod] ?? 0) + 1;
    tally.versions[version] = (tally.versions[version] ?? 0) + 1;
  } catch (error) {
    tally.failed += 1;
    if (tally.errors.length < MOST_ERRORS) tally.errors.push(`${new Date().toISOString()} ${describeError(error)}`);
  } finally {
    tally.calls += 1;
  }
}
