// `anypod validate`: whether the API server would take the McpServers in files, without asking one.
import { readManifests } from "./manifests.ts";

export interface Validated {
  /** One line that says what was looked at. */
  summary: string;
  /** `file:line field: problem` each. */
  errors: string[];
}

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** Checks files, directories (all their .yaml, .yml and .json) or standard input (`-`). */
export function validate(paths: string[]): Validated {
  const { servers, others, errors } = readManifests(paths, "default");
  const passedOver = others > 0 ? `, ${count(others, "object")} of other kinds passed over` : "";
  return { summary: `${count(servers.length, "McpServer")} valid${passedOver}`, errors };
}
