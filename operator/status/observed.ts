// What a status is computed from.

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

/** A pod that doesn't come up. */
export interface PodProblem {
  pod: string;
  pool: string;
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

/** A Secret or ConfigMap that pods need and that isn't there. */
export interface MissingReference {
  kind: string;
  name: string;
  use: "environment" | "imagePull";
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
