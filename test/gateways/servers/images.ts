// The images of the servers that only these tests run.
import { fileURLToPath } from "node:url";
import { buildImage } from "../../cluster/image.ts";
import type { Cluster } from "../../cluster/index.ts";

export const modern = "localhost/modern:1.0.0";
export const sessions = "localhost/sessions:1.0.0";

const programs = { [modern]: "modern.ts", [sessions]: "sessions.ts" };

/** Builds the images and makes the cluster know them. */
export async function loadServers(cluster: Cluster, log: (line: string) => void): Promise<void> {
  for (const [name, file] of Object.entries(programs)) {
    const bundle = fileURLToPath(new URL(file, import.meta.url));
    await cluster.loadImage(await buildImage({ name, bundle, log }));
  }
}
