// A collector that the OpenTelemetry Operator runs: it makes the Deployment and the ConfigMap, and hands our labels on to the pods,
// so that the Service of the collector that anypod runs finds these too.
// https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/opentelemetrycollectors.md
import type { McpServer } from "../../api/mcpserver.ts";
import type { Collector } from "../../api/telemetry.ts";
import { configHashAnnotation, type KubeObject, ofRole } from "../object.ts";
import { restrictedContainer } from "../restricted.ts";
import { collectorConfig, ports } from "./config.ts";
import { collectorName, collectorPod, collectorRole, collectorRollout, validator } from "./parts.ts";

export const openTelemetryCollectorKind = "OpenTelemetryCollector";

/** Where its operator puts the configuration: the volume of a pod, where the collector has it, and the file. */
const config = { volume: "otc-internal", folder: "/conf", file: "collector.yaml" };

export function openTelemetryCollector(
  server: McpServer,
  collector: Collector,
  { image, configHash }: { image: string; configHash: string },
): KubeObject {
  const { replicas, resources, env } = collector;
  const { securityContext: podSecurityContext, readinessProbe, livenessProbe, lifecycle } = collectorPod;
  const container = { image, ...(env && { env }), resources, securityContext: restrictedContainer };
  const type = { apiVersion: "opentelemetry.io/v1beta1", kind: openTelemetryCollectorKind };
  return {
    ...ofRole(server, type, { name: collectorName(server.metadata.name), role: collectorRole }),
    spec: {
      mode: "deployment",
      managementState: "managed",
      // The configuration is anypod's to change.
      upgradeStrategy: "none",
      replicas,
      ...container,
      config: collectorConfig(server, collector),
      initContainers: [
        {
          ...container,
          name: validator,
          args: ["validate", `--config=${config.folder}/${config.file}`],
          terminationMessagePolicy: "FallbackToLogsOnError",
          volumeMounts: [{ name: config.volume, mountPath: config.folder, readOnly: true }],
        },
      ],
      // Its operator opens ports of what the configuration has, under names of its own.
      ...(server.spec.telemetry?.metrics && { ports: [{ name: "told", port: ports.told, protocol: "TCP" }] }),
      deploymentUpdateStrategy: collectorRollout,
      podAnnotations: { [configHashAnnotation]: configHash },
      podSecurityContext,
      readinessProbe,
      livenessProbe,
      lifecycle,
    },
  };
}
