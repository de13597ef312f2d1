// The requestState ring: the keys that seal what a server hands to a client and wants back (MRTR), shared by all of its
// pods, so that any of them can open what another sealed. While it rotates, no pod is left with state that it can't open:
// see ring.ts.
import type { McpServer } from "../api/mcpserver.ts";
import { roleName } from "./names.ts";
import { child, type KubeObject } from "./object.ts";
import type { EnvVar } from "./pod-template.ts";
import { generated, keysEntry, type Ring, type RingKeys, ringAnnotations } from "./ring.ts";

/** Key of the Secret's data, and so of one that the user brings, with the key that seals. */
const keyEntry = "key";

export const requestStateSecretName = ({ metadata }: { metadata: { name: string } }) =>
  roleName(metadata.name, "request-state");

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** The data of the Secret, as the API has it: base64. */
function ringData(keys: RingKeys): Record<string, string> {
  return { [keyEntry]: base64(keys[0]), [keysEntry]: base64(keys.join(",")) };
}

/** The Secret with the ring; undefined when the user brings their own. */
export function requestStateSecret(server: McpServer, ring: Ring): KubeObject | undefined {
  if (server.spec.requestState.secretRef) return;
  const secret = child(server, { apiVersion: "v1", kind: "Secret" }, requestStateSecretName(server));
  return {
    ...secret,
    metadata: { ...secret.metadata, annotations: ringAnnotations(ring) },
    type: "Opaque",
    data: ring.keys ? ringData(ring.keys) : { [keyEntry]: generated, [keysEntry]: generated },
  };
}

/** The variables that give pods the keys. */
export function requestStateEnv(server: McpServer): EnvVar[] {
  const own = server.spec.requestState.secretRef?.name;
  const name = own ?? requestStateSecretName(server);
  const from = (key: string, optional: boolean) => ({
    valueFrom: { secretKeyRef: { name, key, ...(optional && { optional }) } },
  });
  return [
    { name: "MCP_REQUEST_STATE_KEY", ...from(keyEntry, false) },
    // A Secret of the user's own may hold a single key.
    { name: "MCP_REQUEST_STATE_KEYS", ...from(keysEntry, own !== undefined) },
  ];
}
