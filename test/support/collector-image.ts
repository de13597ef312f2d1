// The image of an OpenTelemetry Collector, built here from Go modules.
import { loadProgram } from "../cluster/addons/programs.ts";
import type { Cluster } from "../cluster/index.ts";

/** Named after the release that test/cluster/binaries has. */
export const collector = "localhost/otelcol:0.155.0";

export async function loadCollectorImage(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const loaded = await loadProgram(cluster, "otelcol", { log });
  if (loaded !== collector)
    throw new Error(`the collector's image is ${loaded}: correct its name in ${import.meta.url}`);
}
