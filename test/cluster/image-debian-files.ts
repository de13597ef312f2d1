// What is in an image of Debian packages: the files asked for, the libraries that these need, a shell, and a user.
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, librariesIn } from "./debian-files.ts";
import { foldersOf } from "./image-files.ts";
import type { TarEntry } from "./tar.ts";

export interface DebianFiles {
  /** Files and folders of the packages that the image has, by their paths in them; all else is left out. */
  files: string[];
  /** What of these is left out nevertheless. */
  except?: RegExp;
  /** Folders that belong to nobody in particular: everyone may write there, as volumes and tests need. */
  writable: string[];
  /** The name of user 999. */
  user: string;
}

/** What of Debian's essential packages a script may count on; here they are all one program. */
const shell = `
  sh [ awk base64 basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false find grep gzip head hostname id
  ln ls md5sum mkdir mktemp mv od printf pwd readlink realpath rm rmdir sed seq sha256sum sleep sort stat sync tail tar tee test
  touch tr true truncate uname uniq wc whoami xargs yes`
  .trim()
  .split(/\s+/);

/** @param root the unpacked packages */
export function debianImageFiles(root: string, { files, except, writable, user }: DebianFiles): TarEntry[] {
  const own = [...files, "usr/share/zoneinfo", "usr/lib/locale/C.utf8"]
    .flatMap((path) => filesBelow(root, path))
    .filter(({ path }) => !except?.test(path));
  const busybox = ["usr/bin/busybox", "bin/busybox"].find((path) => existsSync(join(root, path))) ?? "";
  const programs = own.filter(({ path, link }) => !link && path.includes("/bin/")).map(({ path }) => path);
  const libraries = librariesIn(root, [...programs, busybox]);
  const users = `root:x:0:0:root:/root:/bin/sh\n${user}:x:999:999::/tmp:/bin/sh\nnonroot:x:65532:65532::/tmp:/bin/sh\n`;
  const content: TarEntry[] = [
    ...own,
    ...libraries.map((path) => ({ path, content: { file: realpathSync(join(root, path)) }, mode: 0o755 })),
    { path: "usr/bin/busybox", content: { file: join(root, busybox) }, mode: 0o755 },
    ...shell.map((command) => ({ path: `usr/bin/${command}`, link: "busybox" })),
    { path: "etc/passwd", content: Buffer.from(users) },
    { path: "etc/group", content: Buffer.from(`root:x:0:\n${user}:x:999:\nnonroot:x:65532:\n`) },
    { path: "etc/nsswitch.conf", content: Buffer.from("hosts: files dns\n") },
  ].map((entry) => ({ ...entry, path: merged(entry.path) }));
  const top = ["bin", "lib", "lib64"].map((path) => ({ path, link: `usr/${path}` }));
  const open = ["tmp", "run", ...writable].map((path) => ({ path: `${path}/`, mode: 0o1777 }));
  const folders = foldersOf([...content, ...open]);
  const needed = folders.filter(({ path }) => !open.some((each) => each.path === path));
  return [...needed, ...open, ...top, { path: "var/run", link: "/run" }, ...content];
}

/** A file's place where /bin, /lib and so on are links to those in /usr, as in today's Debian. */
const merged = (path: string) => path.replace(/^(bin|lib|lib64)\//, "usr/$1/");
