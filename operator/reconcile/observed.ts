// What is kept of each watched object: only what a reconcile uses.
import type { McpServer, Status } from "../api/mcpserver.ts";
import { type Problem, parseSpec } from "../api/parse.ts";
import { managedByLabel, manager, poolLabel, roleLabel, serverLabel } from "../desired/labels.ts";
import { configHashAnnotation, desiredHashAnnotation, keptAnnotation } from "../desired/object.ts";
import { type Reference, referencesOf } from "../desired/references.ts";
import { type RingState, ringStateOf } from "../desired/ring.ts";
import { isIdle } from "../desired/routing/gateway/idle.ts";
import { loginsHashAnnotation } from "../desired/task-store/managed.ts";
import type { Intern } from "../kube/intern.ts";
import { appliedFields } from "../kube/ownership.ts";
import type { ApiObject } from "../kube/resource.ts";
import { keyOf } from "../kube/store.ts";
import type {
  DeploymentState,
  GatewayState,
  ParentState,
  PodProblem,
  RouteCondition,
  RouteState,
  StoreObjectState,
} from "../status/observed.ts";

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
export interface Child {
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
  /** FieldsV1 of what anypod applied. */
  fields: Record<string, unknown> | undefined;
  deployment?: DeploymentState;
  route?: RouteState;
  store?: StoreObjectState;
  /** Of an HTTPRoute: the pool that it is for. */
  pool?: string | undefined;
  /** Of an HTTPRoute: it takes no calls; of a StatefulSet: it has no pods. */
  idle?: boolean;
}

interface DeploymentObject extends ApiObject {
  spec: { replicas?: number; template: { metadata?: { annotations?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

function observeDeployment(object: DeploymentObject, fields: Child["fields"]): DeploymentState {
  const { status = {}, spec, metadata } = object;
  const progressing = status.conditions?.find(({ type }) => type === "Progressing");
  const failure = status.conditions?.find(({ type, status: value }) => type === "ReplicaFailure" && value === "True");
  const applied = fields?.["f:spec"] as Record<string, unknown> | undefined;
  return {
    desired: spec.replicas ?? 1,
    ownsReplicas: applied?.["f:replicas"] !== undefined,
    current: (status.observedGeneration ?? 0) >= (metadata.generation ?? 1),
    replicas: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    configHash: spec.template.metadata?.annotations?.[configHashAnnotation],
    deadlineExceeded: progressing?.reason === "ProgressDeadlineExceeded",
    replicaFailure: failure?.message,
  };
}

interface HttpRouteObject extends ApiObject {
  status?: { parents?: (Omit<ParentState, "conditions"> & { conditions?: RouteCondition[] })[] };
}

function observeHttpRoute({ metadata, status }: HttpRouteObject): RouteState {
  const parents = (status?.parents ?? []).map(({ parentRef, controllerName, conditions = [] }) => ({
    parentRef,
    controllerName,
    conditions: conditions.map(withoutTimes),
  }));
  return { generation: metadata.generation ?? 1, parents };
}

interface HttpProxyObject extends ApiObject {
  status?: { currentStatus?: string; description?: string };
}

/** An HTTPProxy says in one word whether it is good; told as the condition that an HTTPRoute would have. */
function observeHttpProxy({ metadata, status }: HttpProxyObject): RouteState {
  const { currentStatus, description = "" } = status ?? {};
  const generation = metadata.generation ?? 1;
  if (currentStatus === undefined) return { generation, parents: [] };
  const valid = currentStatus === "valid";
  const condition = {
    type: "Accepted",
    status: valid ? "True" : "False",
    reason: valid ? "Accepted" : "Invalid",
    message: description,
    observedGeneration: generation,
  };
  const parentRef = { kind: "HTTPProxy", name: metadata.name };
  return { generation, parents: [{ parentRef, controllerName: "projectcontour.io", conditions: [condition] }] };
}

interface StatefulSetObject extends ApiObject {
  spec: { replicas?: number; template: { metadata?: { annotations?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    readyReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
  };
}

function observeStatefulSet({ metadata, spec, status = {} }: StatefulSetObject): StoreObjectState {
  const isCurrent = (status.observedGeneration ?? 0) >= (metadata.generation ?? 1);
  return {
    ready: (status.readyReplicas ?? 0) > 0,
    settled: isCurrent && status.currentRevision === status.updateRevision,
    loginsHash: spec.template.metadata?.annotations?.[loginsHashAnnotation],
    said: "",
  };
}

interface ClusterObject extends ApiObject {
  status?: {
    phase?: string;
    phaseReason?: string;
    readyInstances?: number;
    currentPrimary?: string;
    targetPrimary?: string;
  };
}

/** Its condition Ready is about all instances; a store answers as long as its primary does. */
function observeCluster({ status = {} }: ClusterObject): StoreObjectState {
  const { phase, phaseReason, readyInstances = 0, currentPrimary, targetPrimary } = status;
  const hasPrimary = currentPrimary !== undefined && currentPrimary === targetPrimary;
  return {
    ready: readyInstances > 0 && hasPrimary,
    settled: true,
    said: [phase, phaseReason].filter(Boolean).join(": "),
  };
}

interface RedisReplicationObject extends ApiObject {
  status?: { masterNode?: string };
}

const observeRedisReplication = ({ status }: RedisReplicationObject): StoreObjectState => ({
  ready: Boolean(status?.masterNode),
  settled: true,
  said: "",
});

const withoutTimes = ({ type, status, reason, message, observedGeneration = 0 }: RouteCondition): RouteCondition => ({
  type,
  status,
  reason,
  message,
  observedGeneration,
});

/** What is kept of a kind's spec and status, where metadata doesn't say all. */
const wholeOf: Record<string, (object: ApiObject, fields: Child["fields"]) => Partial<Child>> = {
  Deployment: (object, fields) => ({ deployment: observeDeployment(object as DeploymentObject, fields) }),
  StatefulSet: (object) => ({
    store: observeStatefulSet(object as StatefulSetObject),
    idle: (object as StatefulSetObject).spec.replicas === 0,
  }),
  Cluster: (object) => ({ store: observeCluster(object as ClusterObject) }),
  RedisReplication: (object) => ({ store: observeRedisReplication(object as RedisReplicationObject) }),
  HTTPRoute: (object) => ({
    route: observeHttpRoute(object as HttpRouteObject),
    pool: object.metadata.labels?.[poolLabel],
    idle: isIdle(object.metadata.annotations),
  }),
  HTTPProxy: (object) => ({ route: observeHttpProxy(object as HttpProxyObject) }),
};

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

/** A pod that doesn't come up, and why. Others aren't kept. */
export interface ObservedPod extends PodProblem {
  resourceVersion: string;
  namespace: string;
  server: string;
}

interface ContainerStatus {
  name: string;
  state?: {
    waiting?: { reason?: string; message?: string };
    terminated?: { reason?: string; exitCode?: number; message?: string };
  };
  lastState?: { terminated?: { exitCode?: number; message?: string } };
}
interface PodObject extends ApiObject {
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

/** Reasons to wait that pass by themselves. */
const startingUp = new Set(["ContainerCreating", "PodInitializing"]);

/** The line that says why, of the last that a container had to say. */
function whyOf(lastWords: string): string | undefined {
  const lines = lastWords.trim().split("\n");
  return (lines.findLast((line) => /FATAL|PANIC|No space left/.test(line)) ?? lines.at(-1)) || undefined;
}

function containerProblem({ status }: PodObject): Omit<PodProblem, "pod" | "pool" | "createdAt"> | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, lastState } of statuses) {
    const { reason, message = "" } = state?.waiting ?? {};
    if (!reason || startingUp.has(reason)) continue;
    const { exitCode, message: lastWords = "" } = lastState?.terminated ?? {};
    return {
      container: name,
      reason,
      message: whyOf(lastWords) ?? message,
      ...(exitCode !== undefined && { exitCode }),
    };
  }
  return;
}

function unschedulable({ status }: PodObject): Omit<PodProblem, "pod" | "pool" | "createdAt"> | undefined {
  const condition = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (condition?.reason !== "Unschedulable") return;
  return { container: "", reason: "Unschedulable", message: condition.message ?? "" };
}

export function observePod(object: ApiObject): ObservedPod | undefined {
  const { labels = {}, namespace, name, deletionTimestamp, creationTimestamp = "", resourceVersion } = object.metadata;
  const server = labels[serverLabel];
  if (server === undefined || deletionTimestamp) return;
  const problem = unschedulable(object as PodObject) ?? containerProblem(object as PodObject);
  const { [poolLabel]: pool = "", [roleLabel]: role = "" } = labels;
  return (
    problem && { ...problem, pod: name, pool, role, createdAt: creationTimestamp, namespace, server, resourceVersion }
  );
}

/** A Gateway, whoever's it is. */
export interface ObservedGateway extends GatewayState {
  resourceVersion: string;
  key: string;
  className: string;
}

interface GatewayObject extends ApiObject {
  spec: { gatewayClassName: string; listeners?: GatewayState["listeners"] };
  status?: {
    addresses?: { value: string }[];
    conditions?: RouteCondition[];
  };
}

export function observeGateway(object: ApiObject): ObservedGateway {
  const { metadata, spec, status = {} } = object as GatewayObject;
  const programmed = status.conditions?.find(({ type }) => type === "Programmed");
  return {
    resourceVersion: metadata.resourceVersion,
    key: keyOf(metadata),
    className: spec.gatewayClassName,
    listeners: (spec.listeners ?? []).map(({ name, port, protocol, hostname }) => ({
      name,
      port,
      protocol,
      ...(hostname !== undefined && { hostname }),
    })),
    address: status.addresses?.[0]?.value,
    programmed: programmed && withoutTimes(programmed),
  };
}

/** A GatewayClass or an IngressClass. */
export interface ObservedClass {
  resourceVersion: string;
  controller: string;
}

export function observeClass(object: ApiObject): ObservedClass {
  const { spec } = object as ApiObject & { spec?: { controllerName?: string; controller?: string } };
  const controller = spec?.controllerName ?? spec?.controller ?? "";
  return { resourceVersion: object.metadata.resourceVersion, controller };
}
