// What tests do with a cluster: namespaces of their own, McpServers, and looks at what became of them.
import { randomBytes } from "node:crypto";
import { apiVersion, type Condition, kind, type SpecInput, type Status } from "../../operator/api/mcpserver.ts";
import { serverLabel } from "../../operator/desired/labels.ts";
import { type Client, createClient, loadKubeConfig } from "../../operator/kube/client.ts";
import { isNotFound } from "../../operator/kube/errors.ts";
import { type ApiObject, apply, collectionPath, type ResourceType } from "../../operator/kube/resource.ts";
import { childKinds, configMaps, mcpServers, pods, secrets } from "../../operator/reconcile/kinds.ts";
import { eventually } from "./wait.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind
export type AnyObject = ApiObject & Record<string, any>;
export type ServerObject = ApiObject & { spec: SpecInput; status?: Status };

const allChildKinds = [...childKinds.map(({ type }) => type), secrets, configMaps];
const typesByKind = new Map([...allChildKinds, mcpServers].map((type) => [type.kind, type]));

/** The type of a kind that anypod works with. */
export function typeByKind(name: string): ResourceType {
  const type = typesByKind.get(name);
  if (!type) throw new Error(`no type for kind ${name}`);
  return type;
}

export interface TestKube {
  client: Client;
  namespace: string;
  /** Applies an McpServer as a user would; returns it as stored. */
  applyServer(name: string, spec: SpecInput): Promise<ServerObject>;
  server(name: string): Promise<ServerObject>;
  get(kindName: string, name: string): Promise<AnyObject | undefined>;
  list(kindName: string, selector?: string): Promise<AnyObject[]>;
  /** All objects made for a server. */
  childrenOf(server: string): Promise<AnyObject[]>;
  remove(kindName: string, name: string): Promise<void>;
  patch(kindName: string, name: string, mergePatch: object): Promise<AnyObject>;
  /** Waits until the server's condition is as told, for the latest spec. */
  condition(name: string, type: string, want: Partial<Condition>, seconds?: number): Promise<Condition>;
}

/** The objects of a collection; none of a kind that isn't installed. */
async function listed<T>(client: Client, path: string, labelSelector?: string): Promise<{ items: T[] }> {
  try {
    return await client.json<{ items: T[] }>({ path, query: { labelSelector } });
  } catch (error) {
    if (isNotFound(error)) return { items: [] };
    throw error;
  }
}

/** Makes a namespace, optionally with labels, and what goes with it. */
export async function testKube(kubeconfig: string, labels: Record<string, string> = {}): Promise<TestKube> {
  const client = createClient(loadKubeConfig(kubeconfig));
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  await client.json({
    method: "POST",
    path: "/api/v1/namespaces",
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
  });
  const pathOf = (kindName: string, name?: string) => {
    const collection = collectionPath(typeByKind(kindName), namespace);
    return name === undefined ? collection : `${collection}/${name}`;
  };
  const list = async (kindName: string, labelSelector?: string) => {
    const { items } = await listed<AnyObject>(client, pathOf(kindName), labelSelector);
    return items.map((item) => ({ ...item, kind: kindName, apiVersion: typeByKind(kindName).apiVersion }) as AnyObject);
  };
  const server = (name: string) => client.json<ServerObject>({ path: pathOf(kind, name) });

  return {
    client,
    namespace,
    server,
    list,
    applyServer: (name, spec) =>
      apply<ServerObject>(
        client,
        mcpServers,
        { apiVersion, kind, metadata: { name, namespace }, spec } as unknown as ApiObject,
        {
          fieldManager: "user",
          force: true,
        },
      ),
    async get(kindName, name) {
      try {
        return await client.json<AnyObject>({ path: pathOf(kindName, name) });
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
    },
    childrenOf: async (name) =>
      (await Promise.all(allChildKinds.map((type) => list(type.kind, `${serverLabel}=${name}`)))).flat(),
    remove: async (kindName, name) => void (await client.json({ method: "DELETE", path: pathOf(kindName, name) })),
    patch: (kindName, name, mergePatch) =>
      client.json({
        method: "PATCH",
        path: pathOf(kindName, name),
        query: { fieldManager: "somebody" },
        contentType: "application/merge-patch+json",
        body: mergePatch,
      }),
    condition: (name, type, want, seconds) => {
      let seen: Condition | undefined;
      return eventually(
        `${name} has ${type} ${JSON.stringify(want)}`,
        async () => {
          const { status, metadata } = await server(name);
          seen = status?.conditions?.find((each) => each.type === type);
          const matches = Object.entries(want).every(([key, value]) => seen?.[key as keyof Condition] === value);
          if (matches && status?.observedGeneration === metadata.generation) return seen;
          throw new Error(JSON.stringify(seen));
        },
        seconds,
      );
    },
  };
}

/** All of an object that a write of its spec, data or metadata would change; its status moves by itself. */
export function written({ kind: of, metadata, spec, data }: AnyObject) {
  const { name, uid, generation, labels, annotations = {}, managedFields = [] } = metadata;
  const theirs = Object.entries(annotations).filter(([key]) => !key.startsWith("deployment.kubernetes.io/"));
  const writers = managedFields.filter(
    ({ subresource, manager }) => subresource === undefined && manager !== "kube-controller-manager",
  );
  return { of, name, uid, generation, labels, annotations: theirs, spec, data, writers };
}

/** All objects of a server, its pods and ReplicaSets included, by kind and name. */
export async function namespaceObjects(client: Client, namespace: string, server: string): Promise<string[]> {
  const types = [...allChildKinds, pods, { apiVersion: "apps/v1", kind: "ReplicaSet", plural: "replicasets" }];
  const found = types.map(async (type) => {
    const { items } = await listed<ApiObject>(client, collectionPath(type, namespace), `${serverLabel}=${server}`);
    return items.map(({ metadata }) => `${type.kind} ${metadata.name}`);
  });
  return (await Promise.all(found)).flat();
}

/** Makes the CustomResourceDefinition known and waits until it is served. */
export async function installCrd(kubeconfig: string): Promise<void> {
  const { crd } = await import("../../operator/api/crd.ts");
  const client = createClient(loadKubeConfig(kubeconfig));
  const definition = crd() as { metadata: { name: string } };
  await client.json({
    method: "PATCH",
    path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`,
    query: { fieldManager: "user", force: true },
    contentType: "application/apply-patch+yaml",
    body: definition,
  });
  await eventually("McpServers are served", async () => client.json({ path: collectionPath(mcpServers) }));
  await client.close();
}
