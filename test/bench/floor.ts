// The floor: a bare loop that writes what the operator would, over the same client, and decides nothing.
import { desired } from "../../operator/desired/index.ts";
import { manager } from "../../operator/desired/labels.ts";
import type { KubeObject } from "../../operator/desired/object.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import { ringOf } from "../../operator/desired/ring.ts";
import type { Client } from "../../operator/kube/client.ts";
import { apply, type ObjectKey, type ResourceType } from "../../operator/kube/resource.ts";
import { mcpServers, typeOf } from "../../operator/reconcile/kinds.ts";
import { observeServer } from "../../operator/reconcile/observed.ts";
import { computeStatus } from "../../operator/status/index.ts";
import { forEach, type ServerObject } from "./servers.ts";

export interface Write {
  type: ResourceType;
  object: { metadata: ObjectKey };
  subresource?: "status";
}

const world = {
  ring: ringOf([Buffer.alloc(32).toString("base64")], "steady", "2026-01-01T00:00:00Z"),
  configHash: "0123456789abcdef",
  deployments: new Set<string>(),
};

/** The objects of a server as the operator applies them when there are none. */
function objectsOf(server: ServerObject): KubeObject[] {
  const { spec, metadata } = observeServer(server);
  if (!spec) throw new Error(`the server ${metadata.name} is not valid`);
  return desired({ metadata, spec }, world);
}

const isNew = { resourceVersion: "1" };

export function childWrites(server: ServerObject): Write[] {
  return objectsOf(server).map((object) => ({
    type: typeOf(object.kind),
    object: { ...object, metadata: { ...object.metadata, ...isNew } },
  }));
}

/** The first status, before any pod runs. */
export function statusWrite(server: ServerObject): Write {
  const observed = observeServer(server);
  const { spec, metadata } = observed;
  const status = computeStatus({
    server: observed,
    pools: spec ? poolsOf({ metadata, spec }) : [],
    deployments: new Map(),
    podProblems: [],
    obstacles: [],
    missing: [],
    now: new Date().toISOString(),
  });
  const { namespace, name, uid } = metadata;
  const { apiVersion, kind } = mcpServers;
  return {
    type: mcpServers,
    object: { apiVersion, kind, metadata: { namespace, name, uid }, status } as Write["object"],
    subresource: "status",
  };
}

export const write = (client: Client, { type, object, subresource }: Write): Promise<unknown> =>
  apply(client, type, object, { fieldManager: manager, force: true, ...(subresource && { subresource }) });

/** All writes of these servers, eight at once. */
export function writeServers(client: Client, servers: ServerObject[]): Promise<void> {
  const writes = servers.values().flatMap((server) => [...childWrites(server), statusWrite(server)]);
  return forEach(writes, (each) => write(client, each));
}
