// What an image of a program needs beside it, and nothing more: the libraries that it is linked with, a user, certificates,
// and /tmp. No shell, no package manager.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TarEntry } from "./tar.ts";

export interface ProgramFiles {
  /** The path of the program on this machine, and in the image (without a leading slash). */
  program: string;
  at: string;
  /** Whether it is linked with libraries. */
  dynamic: boolean;
}

/** The numbers of the user "nonroot", for an image's configuration. */
export const nonRoot = "65532:65532";

const users = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n";
const groups = "root:x:0:\nnonroot:x:65532:\n";
/** Looked up by the C library when it runs, so that `ldd` doesn't name them; only older ones have them apart. */
const nameServices = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];
const certificates = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

export function programFiles({ program, at, dynamic }: ProgramFiles): TarEntry[] {
  const linked = dynamic ? libraries(program) : [];
  const files: TarEntry[] = [
    { path: at, content: { file: program }, mode: 0o755 },
    ...linked.map((path) => ({ path: path.slice(1), content: { file: realpathSync(path) }, mode: 0o755 })),
    { path: "etc/passwd", content: Buffer.from(users) },
    { path: "etc/group", content: Buffer.from(groups) },
    { path: "etc/nsswitch.conf", content: Buffer.from("hosts: files dns\n") },
  ];
  const bundle = certificates.find((path) => existsSync(path));
  if (bundle) files.push({ path: "etc/ssl/certs/ca-certificates.crt", content: { file: realpathSync(bundle) } });
  return [...foldersOf(files), { path: "tmp/", mode: 0o1777 }, ...files];
}

function libraries(program: string): string[] {
  const named = [...execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g)].map(
    (match) => match[1] as string,
  );
  const libc = named.find((path) => path.includes("/libc.so"));
  const beside = libc ? readdirSync(dirname(libc)).filter((name) => nameServices.includes(name)) : [];
  return [...new Set([...named, ...beside.map((name) => join(dirname(libc as string), name))])].sort();
}

/** The folders that the files are in, outermost first. */
export function foldersOf(files: TarEntry[]): TarEntry[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(`${folder}/`);
  }
  return [...folders].sort().map((path) => ({ path }));
}

/**
 * A digest of the files' places and contents. Of `program`, which may be hundreds of megabytes, only its `version`: whoever
 * asks has that in the name of the file that it makes.
 */
export function filesDigest(entries: TarEntry[], { program, version }: { program: string; version: string }): string {
  const facts = entries.map(({ path, content, mode, link }) => {
    const isProgram = content !== undefined && !Buffer.isBuffer(content) && content.file === program;
    return [path, mode, isProgram ? version : fingerprint(content), ...(link ? [link] : [])];
  });
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16);
}

function fingerprint(content: TarEntry["content"]): string {
  if (content === undefined) return "";
  if (Buffer.isBuffer(content)) return content.toString("base64");
  return createHash("sha256").update(readFileSync(content.file)).digest("hex");
}
