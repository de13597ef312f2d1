// Passes of the operator over a cluster that is a list of objects, all of whose pods run: what one would write.
import type { McpServer, SpecInput } from "../../operator/api/mcpserver.ts";
import { officialImages } from "../../operator/desired/images.ts";
import type { KubeObject } from "../../operator/desired/object.ts";
import type { ApiRequest, Client } from "../../operator/kube/client.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import type { Caches } from "../../operator/reconcile/caches.ts";
import {
  type Child,
  configKey,
  observeChild,
  observeConfig,
  observeServer,
} from "../../operator/reconcile/observed.ts";
import { type ReconcileContext, reconcile } from "../../operator/reconcile/reconcile.ts";

/** FieldsV1 that holds every field of a value, lists as a whole. */
function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [`f:${name}`, fieldsOf(child)]));
}

/** An object as the API server holds it after anypod applied it, all of its pods running. */
export const stored = (object: KubeObject): ApiObject =>
  ({
    ...object,
    metadata: {
      ...object.metadata,
      uid: `uid-of-${object.kind}`,
      resourceVersion: "1",
      generation: 1,
      managedFields: [{ manager: "anypod", operation: "Apply", fieldsV1: fieldsOf(object) }],
    },
    status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
  }) as unknown as ApiObject;

/** The objects with those that were written. */
export const updated = (objects: ApiObject[], writes: KubeObject[]): ApiObject[] => {
  const keyOf = ({ kind = "", metadata }: { kind?: string; metadata: { name: string } }) => `${kind}/${metadata.name}`;
  return [...new Map([...objects, ...writes.map(stored)].map((object) => [keyOf(object), object])).values()];
};

export interface Pass {
  /** Deployments of a server that uses this one's store; none: there is no such server. */
  borrowed?: ApiObject[];
  server: McpServer;
  spec: SpecInput;
  objects: ApiObject[];
  now: number;
  /** Kind at whose first write the operator dies. */
  diesAt?: string | undefined;
}

/** One pass; returns the objects that were applied. */
export async function pass({ server, spec, objects, now, diesAt, borrowed = [] }: Pass): Promise<KubeObject[]> {
  const writes: KubeObject[] = [];
  const { namespace, name, uid } = server.metadata;
  const secretNamed = (wanted: string | undefined) =>
    objects.find(({ kind, metadata }) => kind === "Secret" && metadata.name === wanted);
  const observed = observeServer({
    apiVersion: "anypod.dev/v1alpha1",
    kind: "McpServer",
    metadata: { name, namespace, uid, resourceVersion: "1" },
    spec,
  } as unknown as ApiObject);
  const borrower = observeServer({
    apiVersion: "anypod.dev/v1alpha1",
    kind: "McpServer",
    metadata: { name: "borrower", namespace, uid: "other", resourceVersion: "1" },
    spec: { image: "basket", taskStore: { ref: { name } } },
  } as unknown as ApiObject);
  const borrowerKey = `${namespace}/borrower`;
  const client = {
    json: async ({ method = "GET", path, body }: ApiRequest) => {
      if (method === "GET") return secretNamed(path.split("/").at(-1));
      const object = body as KubeObject;
      if (path.endsWith("/status")) return { ...object, metadata: { ...object.metadata, resourceVersion: "2" } };
      if (object.kind === diesAt) throw new Error("the operator died");
      writes.push(object);
      return stored(object);
    },
  } as unknown as Client;
  const caches = {
    server: () => observed,
    children: (key: string) =>
      (key === borrowerKey ? borrowed : objects).map((object) => observeChild(object.kind, object) as Child),
    usersOf: () => (borrowed.length > 0 ? [borrower] : []),
    podProblems: () => [],
    sees: () => true,
    config: (id: string) => {
      const secret = secretNamed(id.split("/").at(-1));
      const isIt = secret && id === configKey("Secret", { namespace, name: secret.metadata.name });
      return isIt ? observeConfig("Secret", secret) : undefined;
    },
    written: () => undefined,
    deleted: () => undefined,
  } as unknown as Caches;
  const ignored = {
    report: async () => undefined,
    contention: () => 0,
    waited: () => 0,
    failures: 0,
    answers: undefined,
    span: <T>(_name: string, _attributes: object, work: () => Promise<T>) => work(),
    wake: () => undefined,
    images: officialImages,
    prometheusUrl: undefined,
  };
  const contents = { hash: async () => "content" };
  const context: ReconcileContext = { client, caches, contents, now: () => now, ...ignored };
  await reconcile(`${namespace}/${name}`, context).catch(() => undefined);
  return writes;
}
