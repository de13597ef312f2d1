// `anypod render`: files with McpServers → the objects that `anypod run` would apply, without a cluster.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import type { McpServer } from "./api/mcpserver.ts";
import { parseFile } from "./api/parse.ts";
import { desired, type World } from "./desired/index.ts";
import { poolsOf } from "./desired/pool.ts";
import { generated } from "./desired/request-state.ts";

/** What stands in for all that only a cluster knows: every pool takes calls, and so far none is there. */
const worldOf = (server: McpServer, controllers: string[]): World => ({
  ring: { phase: "steady", rotatedAt: generated, hash: generated },
  configHash: generated,
  deployments: new Set(),
  routing: { takesCalls: new Set(poolsOf(server).map(({ name }) => name)), isKnown: () => true, controllers },
});

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

export interface Rendered {
  /** YAML documents; empty when there are errors. */
  output: string;
  /** `file:line field: problem` each. */
  errors: string[];
}

const toYaml = (object: object) => dump(object, { noRefs: true, lineWidth: -1 });

/** The objects of the given servers, as YAML documents. */
export function renderServers(servers: McpServer[], controllers: string[] = []): string {
  return servers
    .flatMap((server) => desired(server, worldOf(server, controllers)))
    .map((object) => `---\n${toYaml(object)}`)
    .join("");
}

function readError(path: string, error: unknown): Rendered {
  const { code, message } = error as NodeJS.ErrnoException;
  return { output: "", errors: [code === "ENOENT" ? `${path}: no such file or directory` : `${path}: ${message}`] };
}

/**
 * Renders files, directories (all their .yaml, .yml and .json) or standard input (`-`).
 * @param namespace of servers that name none
 * @param controllers of the cluster's GatewayClass or IngressClass
 */
export function render(paths: string[], namespace: string, controllers: string[] = []): Rendered {
  const parsed = [];
  for (const path of paths) {
    try {
      parsed.push(...sources(path).map(({ name, read }) => parseFile(name, read(), namespace)));
    } catch (error) {
      return readError(path, error);
    }
  }
  const errors = parsed.flatMap((file) => file.errors);
  const servers = parsed.flatMap((file) => file.servers);
  if (errors.length > 0) return { output: "", errors };
  if (servers.length === 0) return { output: "", errors: [`no McpServer in ${paths.join(", ")}`] };
  return { output: renderServers(servers, controllers), errors };
}
