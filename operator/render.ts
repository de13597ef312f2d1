// `anypod render`: files with McpServers → the objects that `anypod run` would apply, without a cluster.
import { dump } from "js-yaml";
import type { McpServer } from "./api/mcpserver.ts";
import { type Images, officialImages } from "./desired/images.ts";
import { desired, type World } from "./desired/index.ts";
import { poolsOf } from "./desired/pool.ts";
import { generated, unknownRing } from "./desired/ring.ts";
import { storeOwner } from "./desired/task-store/access.ts";
import { telemetryOwner } from "./desired/telemetry/index.ts";
import { readManifests } from "./manifests.ts";

/** What `render` is told of the cluster. */
export interface RenderOptions {
  /** Of the cluster's GatewayClass or IngressClass. */
  controllers?: string[];
  /** Optional kinds that it has. */
  installed?: string[];
  /** Which images the operator uses, if not the official ones. */
  images?: Partial<Images>;
  /** Where KEDA finds Prometheus, as the operator is told. */
  prometheusUrl?: string | undefined;
}

/** Another server of the namespace, among those that are rendered. */
const among = (server: McpServer, servers: McpServer[]) => (name: string) =>
  servers.find(({ metadata }) => metadata.name === name && metadata.namespace === server.metadata.namespace);

/** The server whose store of tasks this one uses. */
const ownerOf = (server: McpServer, servers: McpServer[]) => storeOwner(server, among(server, servers));

/** What stands in for all that only a cluster knows: every pool takes calls, and so far none is there. */
const worldOf = (
  server: McpServer,
  servers: McpServer[],
  { controllers = [], installed = [], images, prometheusUrl }: RenderOptions,
): World => ({
  isInstalled: (kind) => installed.includes(kind),
  prometheusUrl,
  ring: unknownRing,
  configHash: generated,
  deployments: new Set(),
  telemetry: server.spec.telemetry && {
    owner: telemetryOwner(server, among(server, servers)),
    image: images?.collector ?? officialImages.collector,
    configHash: generated,
  },
  store: { owner: ownerOf(server, servers), logins: unknownRing, images: { ...officialImages, ...images } },
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
export function renderServers(servers: McpServer[], options: RenderOptions = {}): string {
  return servers
    .flatMap((server) => desired(server, worldOf(server, servers, options)))
    .map((object) => `---\n${toYaml(object)}`)
    .join("");
}

/** Servers whose store of tasks is another's that isn't among these: what their pods get isn't known. */
const withoutOwner = (servers: McpServer[]) =>
  servers.filter((server) => server.spec.taskStore && !ownerOf(server, servers));

/**
 * Renders files, directories (all their .yaml, .yml and .json) or standard input (`-`).
 * @param namespace of servers that name none
 */
export function render(paths: string[], namespace: string, options: RenderOptions): Rendered {
  const { servers, errors } = readManifests(paths, namespace);
  if (errors.length > 0) return { output: "", errors };
  if (servers.length === 0) return { output: "", errors: [`no McpServer in ${paths.join(", ")}`] };
  const lost = withoutOwner(servers).map(
    ({ metadata, spec }) =>
      `${metadata.namespace}/${metadata.name} spec.taskStore.ref: McpServer ${spec.taskStore?.ref?.name} isn't in the files: render it with -f too`,
  );
  if (lost.length > 0) return { output: "", errors: lost };
  return { output: renderServers(servers, options), errors };
}
