// The image of every pod's sandbox: one static binary, built here since there is no registry to pull it from.
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { writeImageArchive, writeWhole } from "./image-archive.ts";
import { writeTar } from "./tar.ts";

export const pauseImageName = "localhost/pause:1";

/** @returns the path of its archive, beside the binary */
export async function pauseImage(binary: string): Promise<string> {
  const archive = `${binary}.image.tar`;
  if (existsSync(archive)) return archive;
  mkdirSync(dirname(archive), { recursive: true });
  const file = `${binary}.layer.tar`;
  const content = { file: binary };
  const { sha256 } = await writeWhole(file, (path) => writeTar(path, [{ path: "pause", content, mode: 0o755 }]));
  await writeImageArchive(archive, pauseImageName, {
    layers: [{ file, sha256 }],
    config: { Entrypoint: ["/pause"], User: "65535:65535" },
  });
  return archive;
}
