// The McpServers in files, directories or standard input, as all commands read them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ParsedFile, parseFile } from "./api/parse.ts";

interface Source {
  name: string;
  read: () => string;
}

const isManifest = (name: string) => /\.(ya?ml|json)$/.test(name);

function sources(path: string): Source[] {
  if (path === "-") return [{ name: "<stdin>", read: () => readFileSync(0, "utf8") }];
  if (!statSync(path).isDirectory()) return [{ name: path, read: () => readFileSync(path, "utf8") }];
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) =>
    entry.isDirectory() || isManifest(entry.name) ? sources(join(path, entry.name)) : [],
  );
}

function unreadable(path: string, error: unknown): ParsedFile {
  const { code, message } = error as NodeJS.ErrnoException;
  const problem = code === "ENOENT" ? "no such file or directory" : message;
  return { servers: [], manifests: [], others: 0, errors: [`${path}: ${problem}`] };
}

function readPath(path: string, namespace: string): ParsedFile[] {
  try {
    return sources(path).map(({ name, read }) => parseFile(name, read(), namespace));
  } catch (error) {
    return [unreadable(path, error)];
  }
}

/**
 * Reads files, directories (all their .yaml, .yml and .json) or standard input (`-`).
 * @param namespace of servers that name none
 */
export function readManifests(paths: string[], namespace: string): ParsedFile {
  const files = paths.flatMap((path) => readPath(path, namespace));
  return {
    servers: files.flatMap(({ servers }) => servers),
    manifests: files.flatMap(({ manifests }) => manifests),
    others: files.reduce((sum, { others }) => sum + others, 0),
    errors: files.flatMap(({ errors }) => errors),
  };
}
