// Builds the image of programs of Debian packages, with a shell: what an official image of such a program offers to a pod
// that gives the command line itself.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ImageConfig, writeImageArchive, writeWhole } from "./image-archive.ts";
import { type DebianFiles, debianImageFiles } from "./image-debian-files.ts";
import { filesDigest } from "./image-files.ts";
import { digest, keptYoung, removeOld } from "./image-node.ts";
import { cacheDir } from "./state.ts";
import { writeTar } from "./tar.ts";

export interface DebianImage extends DebianFiles {
  /** With registry part and tag, such as "localhost/redis:7". */
  name: string;
  /** The unpacked packages (see debian.ts). */
  root: string;
  /** Folders on the PATH before the usual ones. */
  path?: string[];
  env: Record<string, string>;
  log?: (line: string) => void;
}

const usualPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** @returns the path of the image's archive, for `Cluster.loadImage`; the same packages give the same image */
export async function debianImage(image: DebianImage): Promise<string> {
  const { name, root, path = [], env, log = () => undefined } = image;
  const entries = debianImageFiles(root, image);
  const variables = { PATH: [...path, ...usualPath].join(":"), LANG: "C.UTF-8", ...env };
  const config: ImageConfig = {
    Cmd: ["sh"],
    Env: Object.entries(variables).map(([key, value]) => `${key}=${value}`),
    User: "999:999",
  };
  const id = digest(JSON.stringify(config), filesDigest(entries, { program: "", version: "" }));
  const dir = join(cacheDir(), "images");
  const stem = name.replaceAll(/[^a-zA-Z0-9.-]/g, "_");
  const archive = join(dir, `${stem}-${id}.tar`);
  if (existsSync(archive)) return keptYoung(archive);
  mkdirSync(dir, { recursive: true });
  removeOld(dir, `${stem}-`);
  await writeWhole(archive, async (aside) => {
    const layer = { file: `${aside}.layer`, ...(await writeTar(`${aside}.layer`, entries)) };
    await writeImageArchive(aside, name, { layers: [layer], config });
  });
  log(`built the image ${name}`);
  return archive;
}
