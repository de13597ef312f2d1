// The McpServers that are measured, and the namespaces that they live in.
import { setTimeout as delay } from "node:timers/promises";
import { apiVersion, kind, type SpecInput, type Status } from "../../operator/api/mcpserver.ts";
import type { Client } from "../../operator/kube/client.ts";
import { isNotFound } from "../../operator/kube/errors.ts";
import { type ApiObject, collectionPath } from "../../operator/kube/resource.ts";
import { mcpServers } from "../../operator/reconcile/kinds.ts";

export type ServerObject = ApiObject & { spec: SpecInput; status?: Status };

/** What most users write. It becomes six objects. */
export const smallest: SpecInput = { image: "registry.example.com/bench-mcp:1.0.0" };
export const objectsPerServer = 6;

/** Requests in flight, of every client here. */
export const concurrency = 8;

/** Does the work for each item, eight at once, in their order. */
export async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

export async function createNamespace(client: Client, name: string): Promise<void> {
  await client.json({
    method: "POST",
    path: "/api/v1/namespaces",
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name } },
  });
}

/** Deletes a namespace, and returns when it and all in it are gone. */
export async function deleteNamespace(client: Client, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  await client.json({ method: "DELETE", path });
  for (;;) {
    try {
      await client.json({ path });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await delay(500);
  }
}

export const serverNames = (count: number, prefix = "server") =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

export const serverPath = (namespace: string, name: string) => `${collectionPath(mcpServers, namespace)}/${name}`;

export function createServer(client: Client, namespace: string, name: string, spec = smallest): Promise<ServerObject> {
  return client.json({
    method: "POST",
    path: collectionPath(mcpServers, namespace),
    query: { fieldManager: "user" },
    body: { apiVersion, kind, metadata: { name, namespace }, spec },
  });
}

/** Creates servers as fast as it goes; `created` hears of each as the API server has answered. */
export function createServers(
  client: Client,
  namespace: string,
  names: string[],
  created: (server: ServerObject) => void = () => {},
): Promise<void> {
  return forEach(names, async (name) => created(await createServer(client, namespace, name)));
}

/** Merges a patch into a server's spec, as a user would. */
export function changeSpec(client: Client, { namespace, name }: { namespace: string; name: string }, spec: object) {
  return client.json<ServerObject>({
    method: "PATCH",
    path: serverPath(namespace, name),
    query: { fieldManager: "user" },
    contentType: "application/merge-patch+json",
    body: { spec },
  });
}

const isReady = ({ status, metadata }: ServerObject) =>
  status?.observedGeneration === metadata.generation &&
  (status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True");

/** How many servers of a namespace are Ready. */
export async function countReady(client: Client, namespace: string): Promise<number> {
  let ready = 0;
  let next: string | undefined;
  do {
    const page = await client.json<{ metadata: { continue?: string }; items: ServerObject[] }>({
      path: collectionPath(mcpServers, namespace),
      query: { limit: 500, continue: next },
    });
    ready += page.items.filter(isReady).length;
    next = page.metadata.continue || undefined;
  } while (next);
  return ready;
}
