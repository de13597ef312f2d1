// Why something that this server depends on can't be used, in a word that may be told.

/**
 * A code such as ECONNREFUSED, WRONGPASS or 28P01. Never the message of a client library: those may quote a URL, a user or a
 * command with its arguments.
 */
export function reasonOf(error: unknown): string {
  const { code, message = "", name = "Error" } = error as { code?: unknown; message?: string; name?: string };
  if (typeof code === "string" && /^[A-Z0-9_]+$/.test(code)) return code;
  const [reply] = /^[A-Z]{4,}(?= )/.exec(message) ?? [];
  if (reply !== undefined) return reply;
  return /timeout|timed out/i.test(message) ? "timeout" : name;
}
