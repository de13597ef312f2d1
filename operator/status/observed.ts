// What a status is computed from.
import type { Condition } from "../api/mcpserver.ts";
import type { Engine, SecretKey } from "../api/task-store.ts";

/** One Deployment as its controller reports it. */
export interface DeploymentState {
  /** `spec.replicas` as it stands, whoever set it. */
  desired: number;
  /** Whether that number is the one that anypod applied, untouched since. */
  ownsReplicas: boolean;
  /** Whether the controller has seen the latest spec. */
  current: boolean;
  replicas: number;
  updated: number;
  ready: number;
  available: number;
  configHash: string | undefined;
  deadlineExceeded: boolean;
  /** Why pods can't be made, when they can't. */
  replicaFailure: string | undefined;
}

/** What its controller says of an autoscaler: HorizontalPodAutoscaler, or ScaledObject of KEDA. */
export interface AutoscalerState {
  /** Whether KEDA has made it, or taken it over. */
  byKeda: boolean;
  /** Somebody has told KEDA to leave it alone. */
  paused: boolean;
  /** Condition ScalingActive of the one, Ready of the other; none yet. Words only of what doesn't work. */
  works: { holds: true } | { holds: false; reason: string; message: string; since: string } | undefined;
}

/** What is known of the autoscaler of one pool. */
export interface PoolScaling {
  namespace: string;
  /** Of the pool. */
  pool: string;
  /** Of the Deployment, and of all that scales it. */
  name: string;
  /** Calls are among its targets. */
  countsCalls: boolean;
  /** Of its Deployment: `spec.replicas` is 0, which turns autoscalers off. */
  isOff: boolean;
  hpa: AutoscalerState | undefined;
  /** None: none is wanted. */
  keda: KedaScaling | undefined;
  /** The cluster has KEDA, but nobody has told anypod where Prometheus is. */
  lacksPrometheus: boolean;
}

export interface KedaScaling {
  prometheusUrl: string;
  scaledObject: AutoscalerState | undefined;
  /** Why the API server refuses the ScaledObject. */
  refused: string | undefined;
  /** Metrics of the user's that KEDA can't take, by their place. */
  cannotTake: number[];
}

/** A pod that doesn't come up. */
export interface PodProblem {
  pod: string;
  /** Empty when it isn't the server's own. */
  pool: string;
  /** What it is for, when it isn't the server's own. */
  role?: string;
  /** RFC 3339. */
  createdAt: string;
  /** Empty when it is about the pod as a whole. */
  container: string;
  /** As the kubelet or the scheduler has it, such as `ImagePullBackOff` or `Unschedulable`. */
  reason: string;
  message: string;
  exitCode?: number;
}

/** An object that could not be written. */
export interface Obstacle {
  kind: string;
  name: string;
  /**
   * foreign: somebody else's object has the name; leaving: an object of an earlier server of this name is still going away;
   * rejected: the API server refuses it; terminating: the namespace is being deleted; contended: somebody else keeps changing
   * it, so that it is only healed now and then; absent: the kind isn't installed, or anypod may not see it; failing: the API
   * server can't take it, time and again.
   */
  why: "foreign" | "leaving" | "rejected" | "terminating" | "contended" | "absent" | "failing";
  message: string;
}

/** What runs a store of tasks, as its controller reports it: a StatefulSet, or another operator's cluster. */
export interface StoreObjectState {
  /** It takes calls. */
  ready: boolean;
  /** Its pods run what its spec says. */
  settled: boolean;
  /** Which logins its pods take; of a StatefulSet. */
  loginsHash?: string | undefined;
  /** What its operator says of it. */
  said: string;
}

/** What a store answered to its URL's login; `said` has no word of the URL. */
export type StoreAnswer =
  | { ok: true }
  | { ok: false; why: "url" | "unreachable" | "refused" | "certificate" | "failing"; said: string };

/** What is known of the store of a server's tasks, by where it comes from. */
export type StoreState = { namespace: string } & (
  | {
      source: "managed";
      engine: Engine;
      /** Of the StatefulSet. */
      name: string;
      object: StoreObjectState | undefined;
      problem: PodProblem | undefined;
      /** What its readiness probe says. */
      unready: string | undefined;
      /** The server's pods have been made: the store took calls once. */
      began: boolean;
    }
  | {
      source: "operator";
      kind: string;
      name: string;
      /** Whether the cluster has the kind, and anypod may see it. */
      installed: boolean;
      object: StoreObjectState | undefined;
    }
  | {
      source: "url";
      engine: Engine;
      secret: SecretKey;
      /** A Secret that isn't there, or lacks a key. */
      lacks: { name: string; key?: string } | undefined;
      /** None yet. */
      answer: StoreAnswer | "not asked" | undefined;
    }
  | {
      source: "ref";
      /** The server that has the store. */
      name: string;
      found: "found" | "missing" | "without store";
      /** Its TaskStoreReady. */
      condition: Condition | undefined;
    }
  | {
      source: "none";
      /** Whether the pods say that they make tasks, and there may be several; undefined: not known. */
      makesTasks: boolean | undefined;
    }
);

/** What an endpoint for telemetry answered. */
export type TelemetryAnswer = { ok: true } | { ok: false; why: "unreachable" | "refused"; said: string };

/** What is known of where a server's telemetry goes. */
export type TelemetryState = {
  namespace: string;
  /** What finds the server's pods for Prometheus; undefined when nobody asks for it. */
  monitor: "installed" | "absent" | undefined;
} & (
  | {
      /** The server itself, which Prometheus scrapes: nothing is sent. */
      source: "server";
      /** Of the PodMonitor. */
      name: string;
    }
  | {
      source: "collector";
      /** Of its Deployment. */
      name: string;
      /** The OpenTelemetry Operator runs it. */
      byOperator: boolean;
      /** How many pods take telemetry; undefined: none was made so far. */
      ready: number | undefined;
      problem: PodProblem | undefined;
      /** The container that checks the configuration. */
      validator: string;
      lacks: MissingReference | undefined;
    }
  | {
      source: "endpoint";
      url: string;
      /** The Secret with headers that isn't there, or lacks the key. */
      lacks: { name: string; key?: string } | undefined;
      /** None yet. */
      answer: TelemetryAnswer | "not asked" | undefined;
    }
  | {
      source: "shared";
      /** The server that has the collector. */
      name: string;
      found: "found" | "missing" | "without collector";
      /** Its TelemetryReady. */
      condition: Condition | undefined;
    }
);

/** A Secret or ConfigMap that pods need and that isn't there. */
export interface MissingReference {
  kind: string;
  name: string;
  use: "environment" | "imagePull" | "collector";
}

/** A condition of Gateway API, without its time. */
export interface RouteCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
}

/** What one parent of a route says of it. */
export interface ParentState {
  parentRef: { kind?: string; namespace?: string; name: string; sectionName?: string; port?: number };
  controllerName: string;
  conditions: RouteCondition[];
}

/** A route object as its controllers report it. */
export interface RouteState {
  generation: number;
  parents: ParentState[];
}

/** A Gateway that a server's routes hang on. */
export interface GatewayState {
  listeners: { name: string; port: number; protocol: string; hostname?: string }[];
  /** Where it is reached: an IP address or a hostname. */
  address: string | undefined;
  programmed: RouteCondition | undefined;
}
