// The table of contents: all objects that a server asks for, in the order in which they are written.
import type { McpServer } from "../api/mcpserver.ts";
import { deployment, withInitialReplicas } from "./deployment.ts";
import { hpa } from "./hpa.ts";
import { networkPolicy } from "./network-policy.ts";
import { type KubeObject, sealed } from "./object.ts";
import { pdb } from "./pdb.ts";
import { poolsOf } from "./pool.ts";
import { requestStateSecret } from "./request-state.ts";
import type { Ring } from "./ring.ts";
import { routes } from "./routing/index.ts";
import type { RoutingWorld } from "./routing/routes.ts";
import { isScaledByKeda, kedaOf, scaledObject } from "./scaled-object.ts";
import { service } from "./service.ts";
import { serviceAccount } from "./service-account.ts";
import { storeAccess } from "./task-store/access.ts";
import { type StoreWorld, taskStoreObjects } from "./task-store/index.ts";
import { type CollectorWorld, collectorObjects } from "./telemetry/collector.ts";
import { type TelemetryOwner, telemetryTarget } from "./telemetry/index.ts";
import { openTelemetryCollectorKind } from "./telemetry/open-telemetry-collector.ts";
import { podMonitorKind, podMonitors } from "./telemetry/pod-monitor.ts";

/** All that the desired objects depend on beside the server itself. */
export interface World {
  ring: Ring;
  /** Hash of all Secrets and ConfigMaps that pods read at start. */
  configHash: string;
  /** Names of the Deployments that are there. */
  deployments: ReadonlySet<string>;
  /** None: no tasks are kept, or nobody knows where. */
  store?: StoreWorld | undefined;
  /** None: no telemetry is sent. */
  telemetry?: TelemetryWorld | undefined;
  /** None: no route is to be had. */
  routing?: RoutingWorld | undefined;
  /** Whether the cluster has an optional kind; it has none when not given. */
  isInstalled?: ((kind: string) => boolean) | undefined;
  /** Where KEDA finds Prometheus; none: nobody knows. */
  prometheusUrl?: string | undefined;
}

export interface TelemetryWorld extends Omit<CollectorWorld, "byOperator"> {
  /** The server whose collector this one uses, itself perhaps; undefined when nobody has one. */
  owner: TelemetryOwner | undefined;
}

/** The objects of a server. What pods need comes before them, so that they start at the first try. */
export function desired(server: McpServer, world: World): KubeObject[] {
  const { ring, configHash, deployments, store, telemetry, routing, isInstalled = () => false } = world;
  const keda = kedaOf(isInstalled, world.prometheusUrl);
  const { collector } = server.spec.telemetry ?? {};
  const uses = {
    store: store?.owner && storeAccess(store.owner),
    telemetry: telemetry?.owner && telemetryTarget(telemetry.owner),
  };
  const ways = routing && routes(server, routing);
  const seal = (object: KubeObject | undefined) => (object ? [sealed(server, object)] : []);
  return [
    ...seal(serviceAccount(server)),
    ...seal(requestStateSecret(server, ring)),
    ...seal(networkPolicy(server, uses)),
    ...(store ? taskStoreObjects(server, store) : []).flatMap(seal),
    ...(collector && telemetry
      ? collectorObjects(server, collector, { ...telemetry, byOperator: isInstalled(openTelemetryCollectorKind) })
      : []
    ).flatMap(seal),
    ...(telemetry && isInstalled(podMonitorKind) ? podMonitors(server) : []).flatMap(seal),
    ...poolsOf(server).flatMap((pool) => {
      const [pods] = seal(deployment(server, pool, { configHash, uses })) as [KubeObject];
      return [
        ...seal(service(server, pool, ways?.serviceAnnotations)),
        deployments.has(pool.objectName) ? pods : withInitialReplicas(pods, pool, keda),
        ...seal(isScaledByKeda(pool, keda) ? scaledObject(server, pool, keda) : hpa(server, pool)),
        ...seal(pdb(server, pool)),
      ];
    }),
    ...(ways?.objects ?? []).flatMap(seal),
  ];
}
