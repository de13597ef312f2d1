// Structured logs: JSON lines with constant messages and keys. No object, no header and no Secret is ever logged whole.
import { readFileSync, watchFile } from "node:fs";
import { type Logger, pino } from "pino";

export type { Logger };

/** @param fields more of every line, at the moment when it is written */
export function createLog(level: string, fields: () => Record<string, string> = () => ({})): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: fields,
  });
}

/** Between two looks at a file, in milliseconds: a kubelet brings a changed ConfigMap within a minute. */
const lookEvery = 2000;

/** Logs at the level that the file names, and at another one as soon as it names that. */
export function followLevel(log: Logger, file: string): void {
  const follow = () => {
    const named = read(file);
    if (named === log.level) return;
    if (!(named in pino.levels.values)) {
      const words = "the file names no level, which are trace, debug, info, warn and error: going on with the last one";
      log.warn({ file, named }, words);
      return;
    }
    log.info({ to: named }, "log level changes");
    log.level = named;
  };
  watchFile(file, { interval: lookEvery, persistent: false }, follow);
  follow();
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** What of an error is worth a line: its own words, and the API server's status when there is one. */
export function errorFields(error: unknown): { error: string; status?: number } {
  const { message, status } = error as { message?: string; status?: number };
  return { error: message ?? String(error), ...(status !== undefined && { status }) };
}
