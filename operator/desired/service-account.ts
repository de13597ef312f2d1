// ServiceAccount: the pods' identity, one a server.
import type { McpServer } from "../api/mcpserver.ts";
import { ownName } from "./names.ts";
import { child, type KubeObject } from "./object.ts";

/** The account that the pods use: the user's, or the one made here. */
export const serviceAccountName = ({ metadata, spec }: McpServer) => spec.serviceAccount.name ?? ownName(metadata.name);

export function serviceAccount(server: McpServer): KubeObject | undefined {
  const { name, annotations, automountToken } = server.spec.serviceAccount;
  if (name !== undefined) return;
  const account = child(server, { apiVersion: "v1", kind: "ServiceAccount" }, serviceAccountName(server));
  return {
    ...account,
    metadata: { ...account.metadata, ...(annotations && { annotations }) },
    automountServiceAccountToken: automountToken,
  };
}
