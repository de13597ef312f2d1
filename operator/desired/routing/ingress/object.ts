// Ingress, of networking.k8s.io/v1, for the controllers that read one.

import { canaryPool, mainPool } from "../../../api/pool.ts";
import { ownName, roleName } from "../../names.ts";
import { child, type KubeObject } from "../../object.ts";
import { methodHeader, nameHeader, type Rule } from "../table.ts";
import { type Ask, hostsOf } from "./ask.ts";
import { isProtocol, valuesOf } from "./headers.ts";
import type { Part } from "./parts.ts";

interface IngressPath {
  path: string;
  pathType: "Exact" | "ImplementationSpecific";
  backend: object;
}

interface IngressContent {
  name: string;
  pool: string;
  paths: IngressPath[];
  /** anypod's own; the user's win. */
  annotations?: Record<string, string>;
}

export const exactPath = (path: string, service: string, port: number): IngressPath => ({
  path,
  pathType: "Exact",
  backend: { service: { name: service, port: { number: port } } },
});

/** What asks cert-manager for a certificate. Of several Ingresses with one Secret, it heeds the first. */
const forCertificates = (annotation: string) =>
  /^(acme\.)?cert-manager\.io\//.test(annotation) || annotation === "kubernetes.io/tls-acme";

/** The user's annotations, without those for certificates: for all Ingresses but the one that has the certificates. */
const otherAnnotations = ({ ingress }: Ask) =>
  Object.fromEntries(Object.entries(ingress.annotations ?? {}).filter(([key]) => !forCertificates(key)));

function tls({ ingress, routing }: Ask) {
  const entries = (ingress.tls ?? []).map(({ hosts = routing.hostnames, secretName }) => ({
    ...(hosts && { hosts }),
    ...(secretName && { secretName }),
  }));
  return entries.length > 0 ? { tls: entries } : {};
}

/** An Ingress of the server, for all its hosts. The one of its own name has the certificates. */
export function ingressObject(ask: Ask, { name, pool, paths, annotations }: IngressContent): KubeObject {
  const isOwn = name === ownName(ask.server.metadata.name);
  const all = { ...annotations, ...(isOwn ? ask.ingress.annotations : otherAnnotations(ask)) };
  const bare = child(ask.server, { apiVersion: "networking.k8s.io/v1", kind: "Ingress" }, name, pool);
  return {
    ...bare,
    metadata: { ...bare.metadata, ...(Object.keys(all).length > 0 && { annotations: all }) },
    spec: {
      ingressClassName: ask.ingress.className,
      ...(isOwn && tls(ask)),
      rules: hostsOf(ask).map((host) => ({ ...(host !== undefined && { host }), http: { paths } })),
    },
  };
}

const kinds: Record<string, string> = {
  "tools/call": "tools",
  "prompts/get": "prompts",
  "resources/read": "resources",
};

/** What a rule is there for, in a word. */
function purposeOf(rule: Rule, callPath: string): string {
  if (rule.path !== callPath) return "metadata";
  if (rule.endless) return "listen";
  const [method] = valuesOf(rule, methodHeader);
  if (method === undefined) return "rest";
  return valuesOf(rule, nameHeader).length > 0 ? (kinds[method] ?? "names") : "methods";
}

const isByCanaryHeader = ({ pool, headers }: Rule) =>
  pool !== canaryPool && headers.some(({ name }) => !isProtocol(name));
/** Cut out for a limit: the rest keeps its name, so that no call is without a rule when a limit comes or goes. */
const isCut = ({ limits = [] }: Partial<Part>) =>
  limits.some(({ method, tool }) => method !== undefined || tool !== undefined);

/** What each rule is there for, in words that differ: none changes when a name is added to a pool. */
export function rolesOf({ server }: Ask, rules: (Rule | Part)[]): string[] {
  const counts = new Map<string, number>();
  return rules.map((rule) => {
    const what = [rule.pool, purposeOf(rule, server.spec.path)];
    const role = [...what, ...(isByCanaryHeader(rule) ? ["canary"] : []), ...(isCut(rule) ? ["limited"] : [])].join(
      "-",
    );
    const count = (counts.get(role) ?? 0) + 1;
    counts.set(role, count);
    return count === 1 ? role : `${role}-${count}`;
  });
}

/** A name for the Ingress of each rule; the one for what no other pool takes has the server's own. */
export const namesOfRules = (ask: Ask, rules: (Rule | Part)[]): string[] =>
  rolesOf(ask, rules).map((role) => {
    const { name } = ask.server.metadata;
    return role === `${mainPool}-rest` ? ownName(name) : roleName(name, `route-${role}`);
  });
