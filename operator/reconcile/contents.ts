// Hashes of what Secrets and ConfigMaps hold: read by name, once a version, and never kept.
import { hashOf } from "../desired/object.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import { type ApiObject, read } from "../kube/resource.ts";
import { configMaps, secrets } from "./kinds.ts";
import { configKey } from "./observed.ts";

interface ConfigObject extends ApiObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

const types = { Secret: secrets, ConfigMap: configMaps };

export interface Contents {
  /** Hash of the data of an object in this version; undefined when it is gone. */
  hash(
    kind: keyof typeof types,
    key: { namespace: string; name: string },
    resourceVersion: string,
  ): Promise<string | undefined>;
}

export function createContents(client: Client): Contents {
  const known = new Map<string, { resourceVersion: string; hash: string }>();
  return {
    async hash(kind, key, resourceVersion) {
      const id = configKey(kind, key);
      const cached = known.get(id);
      if (cached?.resourceVersion === resourceVersion) return cached.hash;
      try {
        const { data, binaryData, metadata } = await read<ConfigObject>(client, types[kind], key);
        const sorted = (values: Record<string, string> = {}) =>
          Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
        const hash = hashOf([sorted(data), sorted(binaryData)]);
        known.set(id, { resourceVersion: metadata.resourceVersion, hash });
        return hash;
      } catch (error) {
        known.delete(id);
        if (isNotFound(error)) return;
        throw error;
      }
    },
  };
}
