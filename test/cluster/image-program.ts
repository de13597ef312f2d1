// Builds the image of a program that was built or downloaded here, such as a gateway, as its makers ship it: the binary,
// what it is linked with, and a user that isn't root.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type ImageConfig, writeImageArchive, writeWhole } from "./image-archive.ts";
import { filesDigest, nonRoot, programFiles } from "./image-files.ts";
import { writeTar } from "./tar.ts";

export interface ProgramImage {
  /** With registry part and tag, such as "localhost/envoy:1.39.1". */
  name: string;
  /** The path of the binary on this machine. What is made of it is kept beside it. */
  binary: string;
  /** Whether it is linked with libraries; not, unless told. */
  dynamic?: boolean;
}

/** @returns the path of its archive, for `Cluster.loadImage`; the program is on the image's PATH under its own name */
export async function programImage({ name, binary, dynamic = false }: ProgramImage): Promise<string> {
  const at = `usr/local/bin/${basename(binary)}`;
  const entries = programFiles({ program: binary, at, dynamic });
  const config: ImageConfig = {
    Entrypoint: [`/${at}`],
    Env: ["PATH=/usr/local/bin"],
    User: nonRoot,
    WorkingDir: "/tmp",
  };
  const digest = filesDigest(entries, { program: binary, version: JSON.stringify([name, config]) });
  const archive = `${binary}-${digest}.image.tar`;
  if (existsSync(archive)) return archive;
  removeOthers(binary);
  await writeWhole(archive, async (aside) => {
    const layer = { file: `${aside}.layer`, ...(await writeTar(`${aside}.layer`, entries)) };
    await writeImageArchive(aside, name, { layers: [layer], config });
  });
  return archive;
}

/** Images of the same binary with other files, such as older certificates. */
function removeOthers(binary: string): void {
  const folder = dirname(binary);
  const isOther = (name: string) => name.startsWith(`${basename(binary)}-`) && name.endsWith(".tar");
  for (const name of readdirSync(folder).filter(isOther)) rmSync(join(folder, name), { force: true });
}
