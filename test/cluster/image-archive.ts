// Puts layers and a configuration together into an image archive, in Docker's format: what `ctr images import` and
// `docker load` take. The same input gives the same bytes, so the same image id.
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TarEntry, writeTar } from "./tar.ts";

export interface Layer {
  file: string;
  /** Of the uncompressed tar, in hexadecimal. */
  sha256: string;
}

export interface ImageConfig {
  Entrypoint?: string[];
  Cmd?: string[];
  Env?: string[];
  User?: string;
  WorkingDir?: string;
  Labels?: Record<string, string>;
}

/** Writes the image `name` (with registry part and tag) to `path`, at once: a reader sees all of it or nothing. */
export async function writeImageArchive(path: string, name: string, image: { layers: Layer[]; config: ImageConfig }) {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      // A part of the image's id: images of different names are different images.
      config: { ...image.config, Labels: { "org.opencontainers.image.ref.name": name, ...image.config.Labels } },
      rootfs: { type: "layers", diff_ids: image.layers.map(({ sha256 }) => `sha256:${sha256}`) },
    }),
  );
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  const layerName = ({ sha256 }: Layer) => `${sha256}.tar`;
  const manifest = [{ Config: configName, RepoTags: [name], Layers: image.layers.map(layerName) }];
  const entries: TarEntry[] = [
    { path: "manifest.json", content: Buffer.from(JSON.stringify(manifest)) },
    { path: configName, content: config },
    ...image.layers.map((layer) => ({ path: layerName(layer), content: { file: layer.file } })),
  ];
  await writeWhole(path, (temporary) => writeTar(temporary, entries));
}

/** Lets `write` write a file aside, and then moves it to `path`. */
export async function writeWhole<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const aside = mkdtempSync(join(dirname(path), ".writing-"));
  try {
    const result = await write(join(aside, "file"));
    renameSync(join(aside, "file"), path);
    return result;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
