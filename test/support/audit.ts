// What the API server's audit log says that the operator did.
import { readFileSync } from "node:fs";

export interface AuditEvent {
  verb: string;
  resource: string;
  namespace: string;
  name: string;
  subresource: string;
  code: number;
  body: unknown;
}

interface Line {
  stage: string;
  verb: string;
  /** Nobody, when the API server doesn't know who asks: an account that is gone, say. */
  user: { username?: string };
  userAgent?: string;
  objectRef?: { resource?: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code?: number };
  requestObject?: unknown;
}

/** Whether a line is about an operator's request: tests use its client too, but as the cluster's administrator. */
export const isOperators = ({ user, userAgent }: Pick<Line, "user" | "userAgent">) =>
  userAgent === "anypod" && user.username?.startsWith("system:serviceaccount:") === true;

/** The operator's requests in a namespace so far, watches and lists left out. */
export function operatorRequests(auditLog: string, namespace: string): AuditEvent[] {
  return readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line.includes('"userAgent":"anypod"'))
    .map((line) => JSON.parse(line) as Line)
    .filter(
      ({ stage, verb, objectRef, ...who }) =>
        stage === "ResponseComplete" &&
        !["list", "watch"].includes(verb) &&
        objectRef?.namespace === namespace &&
        isOperators(who),
    )
    .map(({ verb, objectRef, responseStatus, requestObject }) => ({
      verb,
      resource: objectRef?.resource ?? "",
      namespace,
      name: objectRef?.name ?? "",
      subresource: objectRef?.subresource ?? "",
      code: responseStatus?.code ?? 0,
      body: requestObject,
    }));
}

/** Those that write. */
export const writesOf = (events: AuditEvent[]) => events.filter(({ verb }) => verb !== "get");
