// What is kept of McpServers, of what anypod made of them, and of Secrets and ConfigMaps: only what a reconcile uses.
import type { McpServer, Status } from "../api/mcpserver.ts";
import { type Problem, parseSpec } from "../api/parse.ts";
import { managedByLabel, manager, roleLabel, serverLabel } from "../desired/labels.ts";
import { desiredHashAnnotation, keptAnnotation } from "../desired/object.ts";
import { type Reference, referencesOf } from "../desired/references.ts";
import { type RingState, ringStateOf } from "../desired/ring.ts";
import type { Intern } from "../kube/intern.ts";
import { appliedFields } from "../kube/ownership.ts";
import type { ApiObject } from "../kube/resource.ts";
import { type AppliedFields, type Whole, wholeOf } from "./observed-whole.ts";

/** An McpServer as it is in the cluster; `problems` instead of a spec when an older schema let it in. */
export interface ObservedServer {
  resourceVersion: string;
  metadata: McpServer["metadata"];
  spec: McpServer["spec"] | undefined;
  problems: Problem[];
  /** Secrets and ConfigMaps that the spec names. */
  references: Reference[];
  status: Status;
}

export function observeServer(object: ApiObject): ObservedServer {
  const { spec, status } = object as ApiObject & { spec: unknown; status?: Status };
  const {
    name,
    namespace,
    uid,
    generation = 1,
    creationTimestamp,
    deletionTimestamp,
    resourceVersion,
  } = object.metadata;
  const times = {
    ...(creationTimestamp && { createdAt: creationTimestamp }),
    ...(deletionTimestamp && { deletionTimestamp }),
  };
  const metadata = { name, namespace, uid, generation, ...times };
  const parsed = parseSpec(spec);
  const valid = "spec" in parsed;
  return {
    resourceVersion,
    metadata,
    spec: valid ? parsed.spec : undefined,
    problems: valid ? [] : parsed.problems,
    references: valid ? referencesOf({ metadata, spec: parsed.spec }) : [],
    status: status ?? {},
  };
}

/** An object that anypod made. */
export interface Child extends Whole {
  resourceVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  /** Name of the server that it was made for. */
  server: string;
  /** uid of the controlling owner. */
  owner: string | undefined;
  /** What it is for, when it isn't a pool's or the server's own. */
  role?: string | undefined;
  /** It has no owner, and belongs to whichever server has the name. */
  kept: boolean;
  deleting: boolean;
  desiredHash: string | undefined;
  fields: AppliedFields;
}

/** An object that anypod made for a server, whatever its labels say by now. */
export function childOf(server: string, kind: string, object: ApiObject, intern: Intern = (value) => value): Child {
  const { ownerReferences, managedFields, annotations, ...metadata } = object.metadata;
  const applied = appliedFields(managedFields, manager);
  const fields = applied && intern(applied);
  return {
    kind,
    resourceVersion: metadata.resourceVersion,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    server,
    owner: ownerReferences?.find(({ controller }) => controller)?.uid,
    ...(metadata.labels?.[roleLabel] !== undefined && { role: metadata.labels[roleLabel] }),
    kept: annotations?.[keptAnnotation] !== undefined,
    deleting: metadata.deletionTimestamp !== undefined,
    desiredHash: annotations?.[desiredHashAnnotation],
    fields,
    ...wholeOf[kind]?.(object, fields),
  };
}

/** A child of whatever kind; undefined when its labels don't say that anypod made it. */
export function observeChild(kind: string, object: ApiObject, intern?: Intern): Child | undefined {
  const { [serverLabel]: server, [managedByLabel]: managedBy } = object.metadata.labels ?? {};
  return server !== undefined && managedBy === manager ? childOf(server, kind, object, intern) : undefined;
}

/** A Secret or ConfigMap, whoever's it is: whether it is there, and which version; never what it holds. */
export interface Config {
  resourceVersion: string;
  /** The same, as a part of what is known: stores tell of no change of the version alone, and here it may be one of what it holds. */
  content: string;
  key: string;
  /** Of a Secret that holds a ring. */
  ring?: RingState;
  child?: Child;
}

export const configKey = (kind: string, { namespace, name }: { namespace: string; name: string }) =>
  `${kind}/${namespace}/${name}`;

export function observeConfig(kind: string, object: ApiObject, intern?: Intern): Config {
  const { resourceVersion, annotations = {} } = object.metadata;
  const ring = ringStateOf(annotations);
  const child = observeChild(kind, object, intern);
  const known = { resourceVersion, content: resourceVersion, key: configKey(kind, object.metadata) };
  return { ...known, ...(ring && { ring }), ...(child && { child }) };
}
