// Builds the image of a Node.js program without Docker and without a registry: a base layer of Node itself, and a layer with
// the program as one bundled file.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { type Layer, writeImageArchive, writeWhole } from "./image-archive.ts";
import { baseLayer } from "./image-base.ts";
import { cacheDir } from "./state.ts";
import { type TarEntry, writeTar } from "./tar.ts";

export interface ImageOptions {
  /** With registry part and tag, such as "localhost/basket:1.0.0". */
  name: string;
  /** The program's entry file; it and all that it imports become /app/server.mjs. */
  bundle: string;
  env?: Record<string, string>;
  /** More files: by their path in the image, the path on this machine. */
  files?: Record<string, string>;
  log?: (line: string) => void;
}

/**
 * Builds an image that runs as user 65532. The same input gives the same image id; another name, environment or program
 * gives another one.
 * @returns the path of its archive, for `Cluster.loadImage`
 */
export async function buildImage(options: ImageOptions): Promise<string> {
  const { name, env = {}, log = () => undefined } = options;
  const started = Date.now();
  const dir = join(cacheDir(), "images");
  mkdirSync(dir, { recursive: true });
  const base = await baseLayer(log);
  const content = await appLayer(options);
  const config = {
    Entrypoint: ["/usr/bin/node", "/app/server.mjs"],
    Env: Object.entries({ NODE_ENV: "production", ...env }).map(([key, value]) => `${key}=${value}`),
    User: "65532:65532",
    WorkingDir: "/app",
  };
  const id = digest(
    JSON.stringify([base.sha256, name, config]),
    ...content.map(({ path }) => path),
    ...content.map(bytesOf),
  );
  const stem = name.replaceAll(/[^a-zA-Z0-9.-]/g, "_");
  const archive = join(dir, `${stem}-${id}.tar`);
  if (existsSync(archive)) {
    // Young again: nobody removes it as old while it is being loaded.
    utimesSync(archive, new Date(), new Date());
    return archive;
  }
  removeOld(dir, `${stem}-`);
  const file = join(dir, `${stem}-${id}.layer`);
  const { sha256 } = await writeWhole(file, (path) => writeTar(path, content));
  const layers: Layer[] = [base, { file, sha256 }];
  await writeImageArchive(archive, name, { layers, config });
  rmSync(file, { force: true });
  log(`built the image ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return archive;
}

/** The program and all that it imports, as one ES module. */
async function bundleProgram(entry: string): Promise<Buffer> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    keepNames: true,
    legalComments: "none",
    logLevel: "error",
    write: false,
    outfile: "server.mjs",
    // CommonJS dependencies call `require`, which an ES module doesn't have.
    banner: {
      js: 'import * as nodeModule from "node:module"; globalThis.require ??= nodeModule.createRequire(import.meta.url);',
    },
  });
  return Buffer.from(outputFiles[0]?.contents ?? []);
}

/** Bundles a second program of an image; returns the path of the file, for `ImageOptions.files`. */
export async function bundleToFile(entry: string): Promise<string> {
  const program = await bundleProgram(entry);
  const dir = join(cacheDir(), "bundles");
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${digest(program)}.mjs`);
  if (!existsSync(file)) await writeWhole(file, async (path) => writeFileSync(path, program));
  return file;
}

async function appLayer({ bundle, files = {} }: ImageOptions): Promise<TarEntry[]> {
  const program = await bundleProgram(bundle);
  const more = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    { path: "app/" },
    { path: "app/server.mjs", content: program },
    ...more.map(([path, from]) => ({ path: path.replace(/^\/+/, ""), content: readFileSync(from) })),
  ];
}

const bytesOf = (entry: TarEntry) => (Buffer.isBuffer(entry.content) ? entry.content : Buffer.alloc(0));

function digest(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(String(part.length)).update(":").update(part);
  return hash.digest("hex").slice(0, 16);
}

/** Earlier builds under this name, unless another test run may just be loading them. */
function removeOld(dir: string, prefix: string): void {
  const hour = 60 * 60_000;
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    const isOld = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > hour;
    if (name.startsWith(prefix) && isOld) rmSync(file, { force: true });
  }
}
