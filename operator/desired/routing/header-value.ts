// How names travel in MCP's headers (2026-07-28, Streamable HTTP: value encoding).
const prefix = "=?base64?";
const suffix = "?=";

const encoded = (name: string) => `${prefix}${Buffer.from(name, "utf8").toString("base64")}${suffix}`;

/** Whether a client may send the name as it stands: printable ASCII and tabs, no blanks around it, and not like an encoded one. */
const isPlain = (name: string) =>
  /^[\t\x20-\x7e]+$/.test(name) && name.trim() === name && !(name.startsWith(prefix) && name.endsWith(suffix));

/** All values of the `Mcp-Name` header that stand for the name: a client may encode a plain one, too. */
export const headerValues = (name: string): string[] => (isPlain(name) ? [name, encoded(name)] : [encoded(name)]);
