// The layer that all our images share: the running Node binary, the libraries that it is linked with, a user, and /tmp. No
// shell, no package manager. Made once for each version of Node.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Layer, writeWhole } from "./image-archive.ts";
import { cacheDir } from "./state.ts";
import { type TarEntry, writeTar } from "./tar.ts";

const users = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n";
const groups = "root:x:0:\nnonroot:x:65532:\n";
/** Looked up by the C library when it runs, so that `ldd` doesn't name them; only older ones have them apart. */
const nameServices = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];
const certificates = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/** Makes the layer, or takes the one in the cache. Linux only: elsewhere, this machine's Node can't run in a pod. */
export async function baseLayer(log: (line: string) => void): Promise<Layer> {
  if (process.platform !== "linux") throw new Error("images are built from this machine's own Node: that takes Linux");
  const entries = baseEntries();
  const key = createHash("sha256")
    .update(JSON.stringify(describe(entries)))
    .digest("hex")
    .slice(0, 16);
  const file = join(cacheDir(), "images", `node-${process.version}-${process.arch}-${key}.layer`);
  const digest = `${file}.sha256`;
  if (existsSync(file) && existsSync(digest)) return { file, sha256: readFileSync(digest, "utf8") };
  log(`building the base layer with Node ${process.version}, once`);
  mkdirSync(dirname(file), { recursive: true });
  const { sha256 } = await writeWhole(file, (path) => writeTar(path, entries));
  await writeWhole(digest, async (path) => writeFileSync(path, sha256));
  return { file, sha256 };
}

function baseEntries(): TarEntry[] {
  const node = realpathSync(process.execPath);
  const files: TarEntry[] = [
    { path: "usr/bin/node", content: { file: node }, mode: 0o755 },
    ...libraries(node).map((path) => ({ path: path.slice(1), content: { file: realpathSync(path) }, mode: 0o755 })),
    { path: "etc/passwd", content: Buffer.from(users) },
    { path: "etc/group", content: Buffer.from(groups) },
    { path: "etc/nsswitch.conf", content: Buffer.from("hosts: files dns\n") },
  ];
  const bundle = certificates.find((path) => existsSync(path));
  if (bundle) files.push({ path: "etc/ssl/certs/ca-certificates.crt", content: { file: realpathSync(bundle) } });
  return [...foldersOf(files), { path: "tmp/", mode: 0o1777 }, ...files];
}

function libraries(node: string): string[] {
  const named = [...execFileSync("ldd", [node], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g)].map(
    (match) => match[1] as string,
  );
  const libc = named.find((path) => path.includes("/libc.so"));
  const beside = libc ? readdirSync(dirname(libc)).filter((name) => nameServices.includes(name)) : [];
  return [...new Set([...named, ...beside.map((name) => join(dirname(libc as string), name))])].sort();
}

function foldersOf(files: TarEntry[]): TarEntry[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(`${folder}/`);
  }
  return [...folders].sort().map((path) => ({ path }));
}

/** What the layer depends on: its files' places and contents (by place and version, for those of this machine). */
function describe(entries: TarEntry[]): unknown[] {
  return entries.map(({ path, content, mode }) => [path, mode, fingerprint(content)]);
}

function fingerprint(content: TarEntry["content"]): string {
  if (content === undefined) return "";
  if (Buffer.isBuffer(content)) return content.toString("base64");
  // 150 MB of Node are told apart by its version, which is part of the layer's name.
  const isNode = content.file === realpathSync(process.execPath);
  return isNode ? "node" : createHash("sha256").update(readFileSync(content.file)).digest("hex");
}
