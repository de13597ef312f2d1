// The images of Redis and PostgreSQL as pods run them: what official images of these names offer, from Debian's packages.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { debianRoot } from "../cluster/debian.ts";
import { debianImage } from "../cluster/image-debian.ts";
import type { Cluster } from "../cluster/index.ts";

/** Named after the releases of Debian 12; another one brings its own. */
export const redis = "localhost/redis:7";
export const postgres = "localhost/postgres:15";

type Log = (line: string) => void;

const redisPackages = ["redis-server", "redis-tools"];
const postgresPackages = ["postgresql", "postgresql-client"];

/** Where the programs are on this machine: the folder of `redis-server`, that of `postgres`, and what both are below. */
export async function redisPrograms(log: Log): Promise<{ root: string; bin: string }> {
  return { root: await debianRoot(redisPackages, log), bin: "usr/bin" };
}

export async function postgresPrograms(log: Log): Promise<{ root: string; bin: string; release: string }> {
  const root = await debianRoot(postgresPackages, log);
  const [release = ""] = readdirSync(join(root, "usr/lib/postgresql"));
  return { root, bin: `usr/lib/postgresql/${release}/bin`, release };
}

async function redisImage(log: Log): Promise<string> {
  const { root, bin } = await redisPrograms(log);
  const programs = ["redis-server", "redis-cli", "redis-check-aof", "redis-check-rdb"].map((name) => `${bin}/${name}`);
  return debianImage({ name: redis, root, files: programs, writable: ["data"], user: "redis", env: {}, log });
}

async function postgresImage(log: Log): Promise<string> {
  const { root, bin, release } = await postgresPrograms(log);
  return debianImage({
    name: postgres,
    root,
    files: ["usr/bin/locale", bin, `usr/lib/postgresql/${release}/lib`, `usr/share/postgresql/${release}`],
    // Queries that are compiled as they run need LLVM, which is larger than all else.
    except: /\/(bitcode|man)\/|llvmjit/,
    path: [`/${bin}`],
    writable: ["run/postgresql", "var/lib/postgresql/data"],
    user: "postgres",
    env: { PGDATA: "/var/lib/postgresql/data" },
    log,
  });
}

const builds = { [redis]: redisImage, [postgres]: postgresImage };

/**
 * Builds the images and makes the cluster know them. Where there are no Debian packages, it says so and goes on: only some
 * tests of a tier need these, and those fail.
 */
export async function loadStoreImages(cluster: Cluster, names: (keyof typeof builds)[], log: Log): Promise<void> {
  for (const name of names) {
    const archive = await builds[name]!(log).catch(({ message }: Error) => log(`no image ${name}: ${message}`));
    if (archive) await cluster.loadImage(archive);
  }
}
