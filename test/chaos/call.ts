// A request to the API server, as rules see it: verb, kind and object, read from method and path.
import type { IncomingMessage } from "node:http";

export type Verb = "list" | "watch" | "get" | "create" | "apply" | "patch" | "update" | "delete";

export interface Call {
  verb: Verb;
  write: boolean;
  /** Plural, such as `services`; empty for what is no object: discovery, health. */
  resource: string;
  namespace: string;
  name: string;
  subresource: string;
  method: string;
  /** Path and query as sent. */
  url: string;
  query: URLSearchParams;
  contentType: string;
  body: string;
}

const writeVerbs: Record<string, Verb> = { POST: "create", PUT: "update", DELETE: "delete" };

function verbOf({ method, query, contentType }: Pick<Call, "method" | "query" | "contentType">, name: string): Verb {
  if (method === "PATCH") return contentType.startsWith("application/apply-patch") ? "apply" : "patch";
  const write = writeVerbs[method];
  if (write) return write;
  if (query.get("watch") === "true" || query.get("watch") === "1") return "watch";
  return name === "" ? "list" : "get";
}

/** `/api/v1/…` and `/apis/<group>/<version>/…`, behind which all objects are. */
const objectsPath = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/(.+)$/;

function objectOf(path: string): Pick<Call, "resource" | "namespace" | "name" | "subresource"> {
  const parts = (objectsPath.exec(path)?.[1] ?? "").split("/");
  // `namespaces/shop` is an object itself, and so is `namespaces/shop/status`.
  const inNamespace = parts[0] === "namespaces" && parts.length > 2 && !["status", "finalize"].includes(parts[2] ?? "");
  const namespace = inNamespace ? (parts[1] ?? "") : "";
  const [resource = "", name = "", subresource = ""] = inNamespace ? parts.slice(2) : parts;
  return { resource, namespace, name, subresource };
}

export function callOf(request: Pick<IncomingMessage, "method" | "url" | "headers">, body: string): Call {
  const { method = "GET", url = "/", headers } = request;
  const { pathname, searchParams: query } = new URL(url, "http://localhost");
  const contentType = headers["content-type"] ?? "";
  const object = objectOf(pathname);
  const verb = object.resource === "" ? "get" : verbOf({ method, query, contentType }, object.name);
  return { ...object, verb, write: method !== "GET", method, url, query, contentType, body };
}
