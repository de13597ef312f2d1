// Where servers want to be reached: two that want one address can't both have it.
import type { McpServer } from "../api/mcpserver.ts";
import { keyOf } from "../kube/store.ts";

interface Server {
  metadata: McpServer["metadata"];
  spec: McpServer["spec"] | undefined;
}

const parentsOf = ({ spec }: Server) => spec?.routing?.gateway?.parentRefs ?? [];

/** Keys of the Gateways that the server's routes hang on. */
export const gatewayKeysOf = (server: Server): string[] =>
  parentsOf(server)
    .filter(({ kind = "Gateway" }) => kind === "Gateway")
    .map(({ namespace = server.metadata.namespace, name }) => keyOf({ namespace, name }));

interface Door {
  name: string;
  /** Of a Gateway's listener; all listeners when not given. */
  sectionName?: string | undefined;
  port?: number | undefined;
}

/** What stands between the client and the server: listeners of a Gateway, or an IngressClass. */
function doors(server: Server): Door[] {
  const ingress = server.spec?.routing?.ingress;
  const listeners = parentsOf(server).map(
    ({ kind = "Gateway", namespace = server.metadata.namespace, name, sectionName, port }) => ({
      name: [kind, namespace, name].join("/"),
      sectionName,
      port,
    }),
  );
  return [...listeners, ...(ingress ? [{ name: `IngressClass/${ingress.className}` }] : [])];
}

/** Every address of the server, as one text each: door, host and path. */
export function addressesOf(server: Server): string[] {
  const { routing, path } = server.spec ?? {};
  const hosts = routing?.hostnames ?? ["*"];
  return [...new Set(doors(server).map(({ name }) => name))].flatMap((door) =>
    hosts.map((host) => `address ${door} ${host} ${path}`),
  );
}

/** Whether two servers that have an address in common have it on one listener. */
export const meet = (a: Server, b: Server): boolean =>
  doors(a).some((one) =>
    doors(b).some(
      (other) =>
        one.name === other.name &&
        (one.sectionName ?? other.sectionName) === (other.sectionName ?? one.sectionName) &&
        (one.port ?? other.port) === (other.port ?? one.port),
    ),
  );

/** Whether `a` came before `b`: it keeps the address that both want. */
export function isOlder(a: McpServer["metadata"], b: McpServer["metadata"]): boolean {
  const ages = [a, b].map(({ createdAt = "" }) => createdAt) as [string, string];
  return ages[0] === ages[1] ? keyOf(a) < keyOf(b) : ages[0] < ages[1];
}
