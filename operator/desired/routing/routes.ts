// What every dialect answers.
import type { KubeObject } from "../object.ts";

/** Something of spec.routing that the cluster's gateway or ingress controller can't do. */
export interface Limitation {
  /** The field, from `spec.` on, such as `routing.rateLimits`. */
  field: string;
  /** What can't be done, and what to do about it. */
  message: string;
}

export interface Routes {
  objects: KubeObject[];
  cannot: Limitation[];
  /** Whether they tell calls apart by header: false where the ingress controller can't, and the table asks for it. */
  matchesHeaders: boolean;
  /** For the pools' Services, where some ingress controllers look for settings. */
  serviceAnnotations?: Record<string, string>;
}

/** What routes depend on beside the server itself. */
export interface RoutingWorld {
  /** The pools that may be sent calls: the main one, and those with a pod that takes calls. */
  takesCalls: ReadonlySet<string>;
  /** Whether the gateway has had time to learn of the HTTPRoute of this name, and of its backends. */
  isKnown: (route: string) => boolean;
  /** `controllerName` of the GatewayClass of each parent, or `controller` of the IngressClass; empty when unknown. */
  controllers: readonly string[];
}
