// What the tests with gateways share: all that the tests with pods have (a namespace, an operator, a driver), Gateways of
// each implementation, objects of any kind, and a server without an operator.
import { inject } from "vitest";
import { envoyGateway } from "../cluster/addons/envoy-gateway.ts";
import { gatewayAddress, ingressAddress } from "../cluster/addons/gateway-address.ts";
import { applyManifest } from "../cluster/addons/kubectl.ts";
import { traefik } from "../cluster/addons/traefik.ts";
import { type PodWorld, podWorld } from "../pods/support.ts";
import type { AnyObject } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";

export const implementations = { "Envoy Gateway": envoyGateway, Traefik: traefik };
export type Implementation = keyof typeof implementations;

export interface TestGateway {
  /** For a route's `parentRefs`. */
  parentRef: { name: string; namespace: string };
  /** For the driver's `via`: hostnames need no DNS. */
  address: string;
}

export interface GatewayWorld extends PodWorld {
  /** Applies objects to the test's namespace (unless they name one), as a user with kubectl would. */
  apply(...objects: object[]): Promise<void>;
  /** Makes a Gateway in the test's namespace that takes plain HTTP for all hostnames, and waits until it is Programmed. */
  gateway(implementation: Implementation, name?: string): Promise<TestGateway>;
  /** The same by Envoy Gateway, with an EnvoyProxy of its own, after which it is named. */
  gatewayOf(proxy: EnvoyProxy): Promise<TestGateway>;
  /** For the driver's `via`: where Traefik takes calls for Ingresses and for its own kinds. */
  ingressAddress(): Promise<string>;
  /** Waits until every parent of an HTTPRoute has accepted it as it is now, and found its backends. */
  routed(name: string): Promise<void>;
  /** Runs the sample server without an operator, and waits until a pod is ready. Its Service has the same name, port 80. */
  serve(name: string, image: string): Promise<void>;
}

/** The type of what says how proxies of Envoy Gateway run. */
export const envoyProxy = { apiVersion: "gateway.envoyproxy.io/v1alpha1", kind: "EnvoyProxy" };

interface EnvoyProxy {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec?: object;
}

type Manifest = { metadata: Record<string, unknown> };

const gateways = "/apis/gateway.networking.k8s.io/v1/namespaces";

/** @param flags of the operator */
export async function gatewayWorld(...flags: string[]): Promise<GatewayWorld> {
  const world = await podWorld(...flags);
  const { client, namespace } = world.kube;
  const target = { kubeconfig: inject("kubeconfig"), kubectl: inject("kubectl") };
  const get = (path: string) => client.json<AnyObject>({ path });

  const apply = async (...objects: object[]) => {
    const items = (objects as Manifest[]).map((each) => ({ ...each, metadata: { namespace, ...each.metadata } }));
    await applyManifest(target, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  };
  const gateway = async (implementation: Implementation, name: string, infrastructure?: object) => {
    await apply(gatewayObject(implementation, name, infrastructure));
    await eventually(
      `the Gateway ${name} is Programmed`,
      async () => {
        const { metadata, status } = await get(`${gateways}/${namespace}/gateways/${name}`);
        if (holds(status?.conditions, "Programmed", metadata.generation)) return true;
        throw new Error(JSON.stringify(status));
      },
      90,
    );
    return { parentRef: { name, namespace }, address: await gatewayAddress(target, { name, namespace }) };
  };
  return {
    ...world,
    apply,
    gateway: (implementation, name = implementations[implementation].gatewayClass) => gateway(implementation, name),
    async gatewayOf({ metadata, spec, ...proxy }) {
      // An EnvoyProxy replaces that of the class as a whole, and how proxies run in this cluster is in that.
      const own = `/apis/${proxy.apiVersion}/namespaces/${envoyGateway.namespace}/envoyproxies/${envoyGateway.gatewayClass}`;
      const { provider } = (await get(own)).spec;
      await apply({ ...proxy, metadata, spec: { ...spec, provider } });
      const parametersRef = { group: "gateway.envoyproxy.io", kind: proxy.kind, name: metadata.name };
      return gateway("Envoy Gateway", metadata.name, { parametersRef });
    },
    ingressAddress: () => ingressAddress(target),
    routed: async (name) => {
      await eventually(`the HTTPRoute ${name} is accepted`, async () => {
        const { metadata, spec, status } = await get(`${gateways}/${namespace}/httproutes/${name}`);
        const accepts = ({ conditions }: AnyObject) =>
          ["Accepted", "ResolvedRefs"].every((type) => holds(conditions, type, metadata.generation));
        const accepted = new Set(
          (status?.parents ?? []).filter(accepts).map(({ parentRef }: AnyObject) => parentRef.name),
        );
        if (spec.parentRefs.every((parent: { name: string }) => accepted.has(parent.name))) return true;
        throw new Error(JSON.stringify(status));
      });
    },
    async serve(name, image) {
      await apply(deploymentObject(name, image), serviceObject(name));
      await eventually(
        `a pod of ${name} is ready`,
        async () => {
          const { status } = await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
          return status?.readyReplicas >= 1;
        },
        90,
      );
    },
  };
}

function holds(conditions: AnyObject[] | undefined, type: string, generation: unknown): boolean {
  const found = conditions?.find((condition) => condition.type === type);
  return found?.status === "True" && found.observedGeneration === generation;
}

function gatewayObject(implementation: Implementation, name: string, infrastructure: object | undefined): object {
  const { gatewayClass, httpPort } = implementations[implementation];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name },
    spec: {
      gatewayClassName: gatewayClass,
      listeners: [{ name: "http", protocol: "HTTP", port: httpPort }],
      ...(infrastructure && { infrastructure }),
    },
  };
}

function deploymentObject(name: string, image: string): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name: "server",
              image,
              ports: [{ name: "http", containerPort: 8080 }],
              readinessProbe: { tcpSocket: { port: "http" }, periodSeconds: 1 },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            },
          ],
        },
      },
    },
  };
}

function serviceObject(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: "http", appProtocol: "http" }] },
  };
}
