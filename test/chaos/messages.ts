// The proxy's HTTP: what it passes on of requests and answers, and the answers of its own.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";

const reasons: Record<number, string> = {
  403: "Forbidden",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** Answers as the API server does when it fails. */
export function answer(
  response: ServerResponse,
  { status, retryAfter }: { status: number; retryAfter?: number },
): void {
  const body = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `injected: ${reasons[status]}`,
    reason: reasons[status],
    code: status,
    ...(retryAfter !== undefined && { details: { retryAfterSeconds: retryAfter } }),
  };
  const headers = {
    "content-type": "application/json",
    ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
  };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** The operator's kubeconfig. */
export const kubeconfigFor = (port: number) => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "chaos",
  // client-node refuses a plain http server without this.
  clusters: [{ name: "chaos", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
  users: [{ name: "chaos", user: {} }],
  contexts: [{ name: "chaos", context: { cluster: "chaos", user: "chaos" } }],
});

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

/** Headers of a call that the API server has to see; who calls is said by the certificate. */
export function forwarded({ headers }: IncomingMessage, userAgent: string): Record<string, string> {
  const kept = ["accept", "content-type"].flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return { ...Object.fromEntries(kept), "user-agent": userAgent };
}

/** Headers of an answer that the operator has to see. */
export function returned({ headers }: Dispatcher.ResponseData): Record<string, string> {
  const kept = ["content-type", "retry-after", "warning"].flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return Object.fromEntries(kept);
}
