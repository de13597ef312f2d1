// `anypod render`: files with McpServers → the objects that `anypod run` would apply, without a cluster.
import { dump } from "js-yaml";
import type { McpServer } from "./api/mcpserver.ts";
import { desired, type World } from "./desired/index.ts";
import { poolsOf } from "./desired/pool.ts";
import { generated } from "./desired/request-state.ts";
import { readManifests } from "./manifests.ts";

/** What stands in for all that only a cluster knows: every pool takes calls, and so far none is there. */
const worldOf = (server: McpServer, controllers: string[]): World => ({
  ring: { phase: "steady", rotatedAt: generated, hash: generated },
  configHash: generated,
  deployments: new Set(),
  routing: { takesCalls: new Set(poolsOf(server).map(({ name }) => name)), isKnown: () => true, controllers },
});

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

/**
 * Renders files, directories (all their .yaml, .yml and .json) or standard input (`-`).
 * @param namespace of servers that name none
 * @param controllers of the cluster's GatewayClass or IngressClass
 */
export function render(paths: string[], namespace: string, controllers: string[] = []): Rendered {
  const { servers, errors } = readManifests(paths, namespace);
  if (errors.length > 0) return { output: "", errors };
  if (servers.length === 0) return { output: "", errors: [`no McpServer in ${paths.join(", ")}`] };
  return { output: renderServers(servers, controllers), errors };
}
