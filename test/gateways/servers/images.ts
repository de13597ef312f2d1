// The images of the servers that only these tests run, and of Redis, which keeps the tasks of all pods.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandPath } from "../../cluster/commands.ts";
import { buildImage } from "../../cluster/image.ts";
import { programImage } from "../../cluster/image-program.ts";
import type { Cluster } from "../../cluster/index.ts";
import { ensurePackages } from "../../cluster/packages.ts";
import { cacheDir } from "../../cluster/state.ts";

export const modern = "localhost/modern:1.0.0";
export const sessions = "localhost/sessions:1.0.0";
export const redis = "localhost/redis:1.0.0";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Debian's Redis. */
async function redisImage(log: (line: string) => void): Promise<string> {
  await ensurePackages({ log }, ["redis-server"]);
  const folder = join(cacheDir(), "redis");
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, "redis-server");
  copyFileSync(commandPath("redis-server")!, binary);
  return programImage({ name: redis, binary, dynamic: true });
}

/** Builds the images and makes the cluster know them. */
export async function loadServers(cluster: Cluster, log: (line: string) => void): Promise<void> {
  await cluster.loadImage(await buildImage({ name: modern, bundle: here("modern.ts"), log }));
  await cluster.loadImage(await buildImage({ name: sessions, bundle: here("sessions.ts"), log }));
  await cluster.loadImage(await redisImage(log));
}
