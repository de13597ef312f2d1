// Builds the image of a Node.js program from its source, without Docker and without a registry: the program is bundled into
// one file.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { writeWhole } from "./image-archive.ts";
import { digest, type NodeImage, nodeImage, nodeInImage } from "./image-node.ts";
import { cacheDir } from "./state.ts";

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

/** See `nodeImage`. @returns the path of the image's archive, for `Cluster.loadImage` */
export async function buildImage(options: ImageOptions): Promise<string> {
  const { name, env = {}, log } = options;
  const content = await appLayer(options);
  const config = { Entrypoint: [nodeInImage, "/app/server.mjs"], env };
  return nodeImage({ name, content, config, ...(log && { log }) });
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

async function appLayer({ bundle, files = {} }: ImageOptions): Promise<NodeImage["content"]> {
  const program = await bundleProgram(bundle);
  const more = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    { path: "app/" },
    { path: "app/server.mjs", content: program },
    ...more.map(([path, from]) => ({ path: path.replace(/^\/+/, ""), content: readFileSync(from) })),
  ];
}
