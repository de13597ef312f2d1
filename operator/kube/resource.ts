// Kinds of the API server and the calls on them: server-side apply first of all.
import type { Client } from "./client.ts";

/** A namespaced kind. */
export interface ResourceType {
  apiVersion: string;
  kind: string;
  plural: string;
}

export interface OwnerReference {
  kind: string;
  uid: string;
  controller?: boolean;
}

export interface ManagedFields {
  manager: string;
  operation: string;
  subresource?: string;
  fieldsV1?: Record<string, unknown>;
}

export interface ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  deletionTimestamp?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFields[];
}

/** What every object of the API server has. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface ObjectKey {
  namespace: string;
  name: string;
}

/** metav1.MicroTime, which wants six digits. Takes milliseconds since the epoch. */
export const microTime = (now: number) => new Date(now).toISOString().replace("Z", "000Z");

/** Path of the collection in a namespace, or in all of them. */
export function collectionPath({ apiVersion, plural }: ResourceType, namespace?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

const objectPath = (type: ResourceType, { namespace, name }: ObjectKey) => `${collectionPath(type, namespace)}/${name}`;

export interface ApplyOptions {
  fieldManager: string;
  /** Take fields that other managers own; without it, that is a conflict (409). */
  force: boolean;
  subresource?: "status";
}

/** Server-side apply. Unknown fields are refused (422), so that a typo never passes in silence. */
export function apply<T extends ApiObject>(
  client: Client,
  type: ResourceType,
  object: { metadata: ObjectKey },
  { fieldManager, force, subresource }: ApplyOptions,
): Promise<T> {
  const path = objectPath(type, object.metadata);
  return client.json<T>({
    method: "PATCH",
    path: subresource ? `${path}/${subresource}` : path,
    query: { fieldManager, force, fieldValidation: "Strict" },
    contentType: "application/apply-patch+yaml",
    body: object,
  });
}

export function read<T extends ApiObject>(client: Client, type: ResourceType, key: ObjectKey): Promise<T> {
  return client.json<T>({ path: objectPath(type, key) });
}

/** Deletes the object that has this uid, and no later one of the same name. */
export function remove(
  client: Client,
  type: ResourceType,
  { namespace, name, uid }: ObjectKey & { uid: string },
): Promise<unknown> {
  return client.json({
    method: "DELETE",
    path: objectPath(type, { namespace, name }),
    body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid }, propagationPolicy: "Background" },
  });
}
