// An image of a Node.js program that is there already: a base layer of Node itself, and a layer with the program's files.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type ImageConfig, writeImageArchive, writeWhole } from "./image-archive.ts";
import { baseLayer } from "./image-base.ts";
import { nonRoot } from "./image-files.ts";
import { cacheDir } from "./state.ts";
import { type TarEntry, writeTar } from "./tar.ts";

export interface NodeImage {
  /** With registry part and tag, such as "localhost/basket:1.0.0". */
  name: string;
  /** Folders and files below app/, with their contents. */
  content: (TarEntry & { content?: Buffer })[];
  config: Pick<ImageConfig, "Entrypoint" | "Cmd" | "Labels"> & { env?: Record<string, string> };
  log?: (line: string) => void;
}

/** Where Node is in the image. */
export const nodeInImage = "/usr/bin/node";

/**
 * Builds an image that runs as user 65532. The same input gives the same image id; another name, configuration or content
 * gives another one.
 * @returns the path of its archive, for `Cluster.loadImage`
 */
export async function nodeImage({ name, content, config: given, log = () => undefined }: NodeImage): Promise<string> {
  const started = Date.now();
  const dir = join(cacheDir(), "images");
  mkdirSync(dir, { recursive: true });
  const base = await baseLayer(log);
  const { env, ...rest } = given;
  const config: ImageConfig = {
    ...rest,
    Env: Object.entries({ NODE_ENV: "production", ...env }).map(([key, value]) => `${key}=${value}`),
    User: nonRoot,
    WorkingDir: "/app",
  };
  const id = digest(
    JSON.stringify([base.sha256, name, config]),
    ...content.map(({ path }) => path),
    ...content.map((entry) => entry.content ?? Buffer.alloc(0)),
  );
  const stem = name.replaceAll(/[^a-zA-Z0-9.-]/g, "_");
  const archive = join(dir, `${stem}-${id}.tar`);
  if (existsSync(archive)) return keptYoung(archive);
  removeOld(dir, `${stem}-`);
  const file = join(dir, `${stem}-${id}.layer`);
  const { sha256 } = await writeWhole(file, (path) => writeTar(path, content));
  await writeImageArchive(archive, name, { layers: [base, { file, sha256 }], config });
  rmSync(file, { force: true });
  log(`built the image ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return archive;
}

/** A short digest of the parts, each by itself. */
export function digest(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(String(part.length)).update(":").update(part);
  return hash.digest("hex").slice(0, 16);
}

/** The same archive, young again: nobody removes it as old while it is being loaded. */
export function keptYoung(archive: string): string {
  utimesSync(archive, new Date(), new Date());
  return archive;
}

/** Removes earlier builds under this name, unless another test run may just be loading them. */
export function removeOld(dir: string, prefix: string): void {
  const hour = 60 * 60_000;
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    const isOld = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > hour;
    if (name.startsWith(prefix) && isOld) rmSync(file, { force: true });
  }
}
