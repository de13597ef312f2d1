// The image of an OpenTelemetry Collector, built here from Go modules.
import { loadProgram } from "../cluster/addons/programs.ts";
import { otelcol } from "../cluster/go-modules.ts";
import type { Cluster } from "../cluster/index.ts";

export const collector = `localhost/otelcol:${otelcol().version}`;

export async function loadCollectorImage(cluster: Cluster, log: (line: string) => void): Promise<void> {
  await loadProgram(cluster, "otelcol", { log });
}
