// All objects of a cluster that anypod has made or manages, whatever their kinds: found by who wrote them, so that one that
// nobody thought of is found too.
import type { TestKube } from "../support/kube.ts";

export type Client = TestKube["client"];

export interface ManagedObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string; name: string; uid: string; controller?: boolean }[];
    managedFields?: { manager: string; operation: string; subresource?: string; fieldsV1?: Record<string, unknown> }[];
  };
  [field: string]: unknown;
}

export interface Kind {
  apiVersion: string;
  kind: string;
  plural: string;
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

/** Made by controllers from what anypod made, or about it. */
const others = new Set(["Event", "Lease", "Endpoints", "EndpointSlice", "ReplicaSet", "Pod", "ControllerRevision"]);

async function kindsOf(client: Client, root: string, apiVersion: string): Promise<Kind[]> {
  const { resources } = await client.json<ResourceList>({ path: root });
  return resources
    .filter(
      ({ name, kind, namespaced, verbs }) =>
        namespaced && verbs.includes("list") && !name.includes("/") && !others.has(kind),
    )
    .map(({ name, kind }) => ({ apiVersion, kind, plural: name }));
}

/** Every namespaced kind that can be listed, in the version that the server prefers. */
export async function discover(client: Client): Promise<Kind[]> {
  const { groups } = await client.json<{ groups: { preferredVersion: { groupVersion: string } }[] }>({ path: "/apis" });
  const versions = groups.map(({ preferredVersion }) => preferredVersion.groupVersion);
  const found = await Promise.all([
    kindsOf(client, "/api/v1", "v1"),
    ...versions.map((version) => kindsOf(client, `/apis/${version}`, version)),
  ]);
  return found.flat();
}

const isManaged = ({ kind, metadata }: ManagedObject) =>
  kind === "McpServer" ||
  metadata.labels?.["app.kubernetes.io/managed-by"] === "anypod" ||
  (metadata.managedFields ?? []).some(({ manager }) => manager === "anypod") ||
  (metadata.ownerReferences ?? []).some((owner) => owner.kind === "McpServer");

async function listed(
  client: Client,
  { apiVersion, kind, plural }: Kind,
  namespace?: string,
): Promise<ManagedObject[]> {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const path = namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
  const { items } = await client.json<{ items: ManagedObject[] | null }>({ path });
  return (items ?? []).map((item) => ({ ...item, apiVersion, kind })).filter(isManaged);
}

export type Snapshot = ReadonlyMap<string, readonly ManagedObject[]>;

/** The objects of these kinds by namespace: of one, or of all. */
export async function snapshot(client: Client, kinds: readonly Kind[], namespace?: string): Promise<Snapshot> {
  const objects = (await Promise.all(kinds.map((kind) => listed(client, kind, namespace)))).flat();
  return Map.groupBy(objects, ({ metadata }) => metadata.namespace);
}
