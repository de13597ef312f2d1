// The layer that all our Node images share: the running Node binary and what it needs. Made once for each version of Node.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Layer, writeWhole } from "./image-archive.ts";
import { filesDigest, programFiles } from "./image-files.ts";
import { cacheDir } from "./state.ts";
import { writeTar } from "./tar.ts";

/** Makes the layer, or takes the one in the cache. Linux only: elsewhere, this machine's Node can't run in a pod. */
export async function baseLayer(log: (line: string) => void): Promise<Layer> {
  if (process.platform !== "linux") throw new Error("images are built from this machine's own Node: that takes Linux");
  const node = realpathSync(process.execPath);
  const entries = programFiles({ program: node, at: "usr/bin/node", dynamic: true });
  const key = filesDigest(entries, { program: node, version: "node" });
  const file = join(cacheDir(), "images", `node-${process.version}-${process.arch}-${key}.layer`);
  const digest = `${file}.sha256`;
  if (existsSync(file) && existsSync(digest)) return { file, sha256: readFileSync(digest, "utf8") };
  log(`building the base layer with Node ${process.version}, once`);
  mkdirSync(dirname(file), { recursive: true });
  const { sha256 } = await writeWhole(file, (path) => writeTar(path, entries));
  await writeWhole(digest, async (path) => writeFileSync(path, sha256));
  return { file, sha256 };
}
