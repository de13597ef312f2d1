// A client whose writes are all dry runs: the API server does everything about them but keep them.
import type { ApiRequest, Client } from "../kube/client.ts";

/** A deletion's options are in its body, and then those in the address don't count. */
function asDryRun(request: ApiRequest): ApiRequest {
  if (request.method === "DELETE") return { ...request, body: { ...(request.body as object), dryRun: ["All"] } };
  return { ...request, query: { ...request.query, dryRun: "All" } };
}

export function dryRunClient(client: Client): Client {
  const isRead = ({ method = "GET" }: ApiRequest) => method === "GET";
  return { ...client, json: (request) => client.json(isRead(request) ? request : asDryRun(request)) };
}
