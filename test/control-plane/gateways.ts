// Gateways whose controller is played by the test: it says of them, and of the routes on them, what a controller would.
import { type ApiObject, apply, collectionPath, type ResourceType } from "../../operator/kube/resource.ts";
import { gatewayClasses, gateways, ingressClasses } from "../../operator/reconcile/kinds.ts";
import { type AnyObject, type TestKube, typeByKind } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";

const manager = "gateway-controller";

/** What a controller says of an object. */
export interface Said {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message?: string;
}

export interface PlayedGateways {
  /** Makes a GatewayClass of this controller, under a name that no other test has. Returns the name. */
  gatewayClass(name: string, controller: string): Promise<string>;
  ingressClass(name: string, controller: string): Promise<string>;
  gateway(name: string, className: string, listeners?: object[]): Promise<void>;
  /** Says something of a Gateway, beside where it takes calls. */
  gatewayIs(name: string, said: Said, addresses?: { type: string; value: string }[]): Promise<void>;
  /** Says the same of all HTTPRoutes of a server, as they are now, for the Gateway that they name. */
  routesAre(server: string, controller: string, ...said: Said[]): Promise<void>;
}

export const programmed: Said = { type: "Programmed", status: "True", reason: "Programmed" };
export const accepted: Said = { type: "Accepted", status: "True", reason: "Accepted" };
export const resolved: Said = { type: "ResolvedRefs", status: "True", reason: "ResolvedRefs" };

const condition = (said: Said, observedGeneration: number | undefined) => ({
  message: "",
  ...said,
  observedGeneration,
  lastTransitionTime: new Date().toISOString().replace(/\.\d+Z/, "Z"),
});

const http = { name: "http", protocol: "HTTP", port: 80 };

export function playedGateways({ client, namespace, list }: TestKube): PlayedGateways {
  const write = (type: ResourceType, object: object, subresource?: "status") => {
    const { apiVersion, kind } = type;
    const whole = { apiVersion, kind, ...object } as ApiObject;
    const how = { fieldManager: manager, force: true, ...(subresource && { subresource }) };
    return apply<AnyObject>(client, type, whole, how);
  };
  /** Classes are in no namespace. */
  const makeClass = async (type: ResourceType, name: string, spec: object) => {
    const { apiVersion, kind } = type;
    const unique = `${name}-${namespace}`;
    const body = { apiVersion, kind, metadata: { name: unique }, spec };
    await client.json({ method: "POST", path: collectionPath(type), body });
    return unique;
  };
  const route = typeByKind("HTTPRoute");
  return {
    gatewayClass: (name, controllerName) => makeClass(gatewayClasses, name, { controllerName }),
    ingressClass: (name, controller) => makeClass(ingressClasses, name, { controller }),
    async gateway(name, gatewayClassName, listeners = [http]) {
      await write(gateways, { metadata: { name, namespace }, spec: { gatewayClassName, listeners } });
    },
    async gatewayIs(name, said, addresses = []) {
      const { metadata } = await client.json<AnyObject>({ path: `${collectionPath(gateways, namespace)}/${name}` });
      const status = { addresses, conditions: [condition(said, metadata.generation)] };
      await write(gateways, { metadata: { name, namespace }, status }, "status");
    },
    async routesAre(server, controllerName, ...said) {
      const routes = await eventually(`${server} has routes`, async () => {
        const found = await list("HTTPRoute", `anypod.dev/server=${server}`);
        return found.length > 0 && found;
      });
      for (const { metadata, spec } of routes) {
        const conditions = said.map((each) => condition(each, metadata.generation));
        const parents = spec.parentRefs.map((parentRef: object) => ({ parentRef, controllerName, conditions }));
        await write(route, { metadata: { name: metadata.name, namespace }, status: { parents } }, "status");
      }
    },
  };
}
