// What a check finds, and how findings become conditions.

/** One finding about a server; the first in the order of checks is what its status says. */
export interface Finding {
  /** CamelCase, as conditions have it; docs/troubleshooting lists them. */
  reason: string;
  /** What is wrong and what to do. */
  message: string;
  /** stalled: nothing changes until somebody does something; progressing: anypod or Kubernetes is at it, or waits. */
  state: "stalled" | "progressing";
}

export const stalled = (reason: string, message: string): Finding => ({ state: "stalled", reason, message });
export const progressing = (reason: string, message: string): Finding => ({ state: "progressing", reason, message });
