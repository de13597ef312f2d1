// Tells from an object's metadata alone whether a field manager still owns all fields of an object that it applied. Another
// writer that changes one of them takes it over, so this is how drift is seen without reading any value.
import type { ManagedFields } from "./resource.ts";

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether the list item has the key that a `k:{…}` entry names; what the item leaves out was defaulted by the server. */
function hasKey(entry: string, item: Fields): boolean {
  const key = JSON.parse(entry.slice(2)) as Fields;
  return Object.entries(key).every(([name, value]) => item[name] === undefined || item[name] === value);
}

function coversItem(fields: Fields, item: unknown): boolean {
  if (!isObject(item)) return `v:${JSON.stringify(item)}` in fields;
  return Object.entries(fields).some(([entry, nested]) => {
    return entry.startsWith("k:") && hasKey(entry, item) && covers(nested as Fields, item);
  });
}

/** Whether `fields` (FieldsV1, of managedFields) holds every field of `value`. An empty set stands for the whole below it. */
export function covers(fields: Fields, value: unknown): boolean {
  if (Object.keys(fields).length === 0) return true;
  if (Array.isArray(value)) return value.every((item) => coversItem(fields, item));
  if (!isObject(value)) return true;
  return Object.entries(value).every(([name, nested]) => {
    const owned = fields[`f:${name}`];
    return nested === undefined || (owned !== undefined && covers(owned as Fields, nested));
  });
}

/**
 * The fields that the manager has applied to an object (not to a subresource of it), those of its owner references left out:
 * they name the owner's uid, and whose the object is can be seen from the references themselves.
 */
export function appliedFields(managedFields: ManagedFields[] | undefined, manager: string): Fields | undefined {
  const fields = managedFields?.find(
    (entry) => entry.manager === manager && entry.operation === "Apply" && entry.subresource === undefined,
  )?.fieldsV1;
  const { "f:ownerReferences": _, ...metadata } = (fields?.["f:metadata"] ?? {}) as Fields;
  return fields && { ...fields, "f:metadata": metadata };
}

/** Whether the applied fields hold all of the object's but what names it and its owner. */
export function ownsAll(fields: Fields, object: { metadata: object }): boolean {
  const { apiVersion: _, kind: __, ...rest } = object as Fields;
  const { name: ___, namespace: ____, ownerReferences: _____, ...metadata } = object.metadata as Fields;
  return covers(fields, { ...rest, metadata });
}
