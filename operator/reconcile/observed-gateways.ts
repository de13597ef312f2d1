// What is kept of Gateways and of classes, whoever's they are.
import type { ApiObject } from "../kube/resource.ts";
import { keyOf } from "../kube/store.ts";
import type { GatewayState, RouteCondition } from "../status/observed.ts";
import { withoutTimes } from "./observed-whole.ts";

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
