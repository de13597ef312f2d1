// The collector of a server: run by anypod, or by the OpenTelemetry Operator where that is. Its configuration is checked by the
// collector itself, in a container that runs before it: a bad one never gets ready, and the pods of the one before go on.

import type { McpServer } from "../../api/mcpserver.ts";
import type { Collector } from "../../api/telemetry.ts";
import { roleLabels, roleSelector } from "../labels.ts";
import { roleName } from "../names.ts";
import { configHashAnnotation, hashOf, type KubeObject, ofRole } from "../object.ts";
import { restrictedContainer } from "../restricted.ts";
import { collectorConfig, ports } from "./config.ts";
import { openTelemetryCollector } from "./open-telemetry-collector.ts";
import { collectorName, collectorPod, collectorRole, collectorRollout, validator } from "./parts.ts";

const folder = "/etc/otelcol";
const file = "config.json";

interface ConfigFile {
  name: string;
  text: string;
}

/** Named after what it holds: pods of an earlier one still need theirs, until all are replaced. */
function configOf(server: McpServer, collector: Collector): ConfigFile {
  const config = collectorConfig(server, collector);
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  return { name: roleName(server.metadata.name, `${collectorRole}-${hashOf(config).slice(0, 8)}`), text };
}

function configMap(server: McpServer, { name, text }: ConfigFile): KubeObject {
  const type = { apiVersion: "v1", kind: "ConfigMap" };
  return { ...ofRole(server, type, { name, role: collectorRole }), data: { [file]: text } };
}

function container(name: string, args: string[], { env, resources }: Collector, image: string) {
  return {
    name,
    image,
    args: [...args, `--config=${folder}/${file}`],
    ...(env && { env }),
    resources,
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: restrictedContainer,
    volumeMounts: [{ name: "config", mountPath: folder, readOnly: true }],
  };
}

const health = { httpGet: { path: "/", port: "health" } };
const port = (name: keyof typeof ports) => ({ name, containerPort: ports[name], protocol: "TCP" });

/** What a collector depends on beside the server. */
export interface CollectorWorld {
  image: string;
  /** Hash of the Secrets and ConfigMaps that its variables come from. */
  configHash: string;
  /** The OpenTelemetry Operator runs it. */
  byOperator: boolean;
}

function deployment(server: McpServer, collector: Collector, { image, configHash }: CollectorWorld): KubeObject {
  const { name } = server.metadata;
  const { imagePullSecrets } = server.spec;
  const labels = roleLabels(name, collectorRole);
  return {
    ...ofRole(
      server,
      { apiVersion: "apps/v1", kind: "Deployment" },
      { name: collectorName(name), role: collectorRole },
    ),
    spec: {
      replicas: collector.replicas,
      revisionHistoryLimit: 3,
      strategy: collectorRollout,
      selector: { matchLabels: roleSelector(name, collectorRole) },
      template: {
        metadata: { labels, annotations: { [configHashAnnotation]: configHash } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(imagePullSecrets && { imagePullSecrets }),
          securityContext: collectorPod.securityContext,
          initContainers: [container(validator, ["validate"], collector, image)],
          containers: [
            {
              ...container(collectorRole, [], collector, image),
              ports: [
                ...[port("grpc"), port("http"), port("metrics"), port("health")],
                ...(server.spec.telemetry?.metrics ? [port("told")] : []),
              ],
              readinessProbe: { ...health, ...collectorPod.readinessProbe },
              livenessProbe: { ...health, ...collectorPod.livenessProbe },
              lifecycle: collectorPod.lifecycle,
            },
          ],
          volumes: [{ name: "config", configMap: { name: configOf(server, collector).name } }],
        },
      },
    },
  };
}

/** Where pods send to, whoever runs the collector: they needn't be replaced when that changes. */
function service(server: McpServer): KubeObject {
  const { name } = server.metadata;
  const open = (portName: keyof typeof ports) => ({
    name: portName,
    port: ports[portName],
    targetPort: ports[portName],
    protocol: "TCP",
  });
  return {
    ...ofRole(server, { apiVersion: "v1", kind: "Service" }, { name: collectorName(name), role: collectorRole }),
    spec: {
      type: "ClusterIP",
      selector: roleSelector(name, collectorRole),
      ports: [{ ...open("grpc"), appProtocol: "grpc" }, { ...open("http"), appProtocol: "http" }, open("metrics")],
    },
  };
}

export function collectorObjects(server: McpServer, collector: Collector, world: CollectorWorld): KubeObject[] {
  if (world.byOperator) return [service(server), openTelemetryCollector(server, collector, world)];
  return [configMap(server, configOf(server, collector)), service(server), deployment(server, collector, world)];
}
