// Looks into a folder of unpacked Debian packages (see debian.ts): which libraries a program needs, and what is in a folder.
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import type { TarEntry } from "./tar.ts";

/**
 * The libraries that programs and plug-ins are linked with, as paths in `root`. A library that isn't there isn't among them.
 * @param programs paths in `root`
 */
export function librariesIn(root: string, programs: string[]): string[] {
  const [loader, path] = [loaderOf(root), folders(root).join(":")];
  const listed = programs.map((program) =>
    execFileSync(loader, ["--library-path", path, "--list", join(root, program)], { encoding: "utf8" }),
  );
  const named = listed.flatMap((text) => [...text.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] as string));
  const ours = [...named, loader].filter((file) => file.startsWith(`${root}/`));
  return [...new Set(ours.map((file) => relative(root, file)))].sort();
}

/** The C library's own: whoever starts a program without its loader can't take these from elsewhere. */
export const isOfLibc = (path: string) =>
  /\/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|resolv|util|anl|nsl|nss_\w+|BrokenLocale))\.so\.\d+$/.test(path);

/** The dynamic loader of the unpacked C library: with it, this machine's own doesn't matter. */
function loaderOf(root: string): string {
  const candidates = ["lib64", "lib", "usr/lib64", "usr/lib"].map((folder) => join(root, folder));
  const found = candidates.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^ld-linux.*\.so\.\d+$/.test(name))
      .map((name) => join(folder, name)),
  );
  if (found[0] === undefined) throw new Error(`${root} has no dynamic loader`);
  return found[0];
}

function folders(root: string): string[] {
  const libraries = ["lib", "usr/lib"].map((folder) => join(root, folder)).filter(existsSync);
  return libraries.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith("-linux-gnu"))
      .map((name) => join(folder, name)),
  );
}

/** All files and links of `root` below `path` (or that one file), links as links. */
export function filesBelow(root: string, path: string): TarEntry[] {
  const file = join(root, path);
  const facts = lstatSync(file);
  if (facts.isSymbolicLink()) return [{ path, link: readlinkSync(file) }];
  if (facts.isDirectory())
    return readdirSync(file)
      .sort()
      .flatMap((name) => filesBelow(root, `${path}/${name}`));
  return [{ path, content: { file: realpathSync(file) }, mode: facts.mode & 0o777 }];
}
