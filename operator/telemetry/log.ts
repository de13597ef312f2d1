// Structured logs: JSON lines with constant messages and keys. No object, no header and no Secret is ever logged whole.
import { type Logger, pino } from "pino";

export type { Logger };

export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** What of an error is worth a line: its own words, and the API server's status when there is one. */
export function errorFields(error: unknown): { error: string; status?: number } {
  const { message, status } = error as { message?: string; status?: number };
  return { error: message ?? String(error), ...(status !== undefined && { status }) };
}
