// What is kept of a child's spec and status, for the kinds whose metadata doesn't say all.
import { poolLabel } from "../desired/labels.ts";
import { configHashAnnotation } from "../desired/object.ts";
import { isIdle } from "../desired/routing/gateway/idle.ts";
import { loginsHashAnnotation } from "../desired/task-store/managed.ts";
import type { ApiObject } from "../kube/resource.ts";
import type {
  AutoscalerState,
  DeploymentState,
  ParentState,
  RouteCondition,
  RouteState,
  StoreObjectState,
} from "../status/observed.ts";

/** FieldsV1 of what anypod applied. */
export type AppliedFields = Record<string, unknown> | undefined;

export interface Whole {
  deployment?: DeploymentState;
  autoscaler?: AutoscalerState;
  route?: RouteState;
  store?: StoreObjectState;
  /** Of an OpenTelemetryCollector: how many of its pods take telemetry; undefined: its operator has made none. */
  ready?: number | undefined;
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

function observeDeployment(object: DeploymentObject, fields: AppliedFields): DeploymentState {
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

interface AutoscalerObject extends ApiObject {
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
  };
}

/** @param type of the condition that says whether it works */
function observeAutoscaler({ metadata, status }: AutoscalerObject, type: string): AutoscalerState {
  const conditions = status?.conditions ?? [];
  const found = conditions.find((each) => each.type === type && each.status !== "Unknown");
  const { reason = "", message = "", lastTransitionTime: since = "" } = found ?? {};
  return {
    byKeda: metadata.ownerReferences?.some(({ controller, kind }) => controller && kind === "ScaledObject") ?? false,
    paused: conditions.some((each) => each.type === "Paused" && each.status === "True"),
    works: found && (found.status === "True" ? { holds: true } : { holds: false, reason, message, since }),
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

interface CollectorObject extends ApiObject {
  status?: { scale?: { statusReplicas?: string } };
}

/** Told as `ready/all`. https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/opentelemetrycollectors.md */
function readyOf({ status }: CollectorObject): number | undefined {
  const ready = Number.parseInt(status?.scale?.statusReplicas ?? "", 10);
  return Number.isNaN(ready) ? undefined : ready;
}

const observeRedisReplication = ({ status }: RedisReplicationObject): StoreObjectState => ({
  ready: Boolean(status?.masterNode),
  settled: true,
  said: "",
});

export const withoutTimes = ({
  type,
  status,
  reason,
  message,
  observedGeneration = 0,
}: RouteCondition): RouteCondition => ({
  type,
  status,
  reason,
  message,
  observedGeneration,
});

/** What is kept of a kind's spec and status, where metadata doesn't say all. */
export const wholeOf: Record<string, (object: ApiObject, fields: AppliedFields) => Whole> = {
  Deployment: (object, fields) => ({ deployment: observeDeployment(object as DeploymentObject, fields) }),
  HorizontalPodAutoscaler: (object) => ({ autoscaler: observeAutoscaler(object, "ScalingActive") }),
  ScaledObject: (object) => ({ autoscaler: observeAutoscaler(object, "Ready") }),
  StatefulSet: (object) => ({
    store: observeStatefulSet(object as StatefulSetObject),
    idle: (object as StatefulSetObject).spec.replicas === 0,
  }),
  Cluster: (object) => ({ store: observeCluster(object as ClusterObject) }),
  RedisReplication: (object) => ({ store: observeRedisReplication(object as RedisReplicationObject) }),
  OpenTelemetryCollector: (object) => ({ ready: readyOf(object as CollectorObject) }),
  HTTPRoute: (object) => ({
    route: observeHttpRoute(object as HttpRouteObject),
    pool: object.metadata.labels?.[poolLabel],
    idle: isIdle(object.metadata.annotations),
  }),
  HTTPProxy: (object) => ({ route: observeHttpProxy(object as HttpProxyObject) }),
};
