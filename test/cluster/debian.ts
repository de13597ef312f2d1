// Programs of Debian packages as files in the cache, without installing them: nothing of the machine changes, no service
// starts, and it takes no root. What runs them brings them into its own place: an image (image-debian.ts), or a test.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { commandPath } from "./commands.ts";
import { withLock } from "./lock.ts";
import { cacheDir } from "./state.ts";

const exec = promisify(execFile);

type Log = (line: string) => void;

/** What each root has besides what it is made for: the C library with its locale C.UTF-8, a shell, and time zones. */
const always = ["libc6", "libc-bin", "busybox", "tzdata"];

/**
 * Unpacks packages and the libraries that they depend on into a folder, once. No script of a package is run.
 * @param packages names; `postgresql` stands for the release that this Debian has, such as postgresql-15
 * @returns the folder, with `usr/bin` and so on below it. Throws an Error that says what is missing.
 */
export async function debianRoot(packages: string[], log: Log): Promise<string> {
  if (process.platform !== "linux" || !commandPath("apt-get") || !commandPath("dpkg-deb"))
    throw new Error(
      `${packages.join(", ")} come from Debian's packages: that takes apt-get and dpkg-deb, of Debian or Ubuntu`,
    );
  // Its libraries have to fit this machine's C library, so that another release gets others.
  const facts = JSON.stringify([packages, always, process.arch, readFileSync("/etc/os-release", "utf8")]);
  const key = createHash("sha256").update(facts).digest("hex").slice(0, 16);
  const root = join(cacheDir(), "debian", `${packages[0]}-${key}`);
  if (existsSync(root)) return root;
  const waiting = () => log(`waiting for another process that unpacks ${packages[0]}`);
  await withLock({ path: `${root}.lock`, waiting }, async () => {
    if (!existsSync(root)) await unpack(packages, root, log);
  });
  return root;
}

async function unpack(packages: string[], root: string, log: Log): Promise<void> {
  log(`downloading and unpacking the Debian packages ${packages.join(", ")}, once`);
  mkdirSync(join(cacheDir(), "debian"), { recursive: true });
  const aside = mkdtempSync(join(cacheDir(), "debian", ".unpacking-"));
  const [debs, into] = [join(aside, "debs"), join(aside, "root")];
  try {
    await download(packages, debs, []).catch(() => download(packages, debs, freshLists(join(aside, "apt"))));
    mkdirSync(into);
    for (const deb of readdirSync(debs)) await run("dpkg-deb", ["--extract", join(debs, deb), into]);
    renameSync(into, root);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/**
 * A fresh machine has no package lists, an old one has lists of packages that are no longer there: then these, which are read
 * into a folder of our own.
 */
function freshLists(dir: string): string[] {
  for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(dir, each), { recursive: true });
  return ["-o", `Dir::State::lists=${join(dir, "lists")}`, "-o", `Dir::Cache=${join(dir, "cache")}`];
}

async function download(packages: string[], debs: string, options: string[]): Promise<void> {
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs);
  if (options.length > 0) await run("apt-get", [...options, "update"]);
  const wanted = await Promise.all([...packages, ...always].map((name) => release(name, options)));
  const libraries = (await closure(wanted, options)).filter(isLibrary);
  // Its warning that root downloads as root is no error.
  await run("apt-get", [...options, "download", ...new Set([...wanted, ...libraries])], debs);
}

/** LLVM is 100 MB and only makes long queries faster; what needs Perl are Debian's own scripts. */
const isLibrary = (name: string) => /^(lib|zlib)/.test(name) && !/llvm|perl/.test(name);

/** Of a package without files, such as postgresql, the one that it stands for. */
async function release(name: string, options: string[]): Promise<string> {
  if (!/^postgresql(-client)?$/.test(name)) return name;
  const found = (await depends([name], options)).find((each) => /^postgresql-(client-)?\d+$/.test(each));
  if (!found) throw new Error(`the package ${name} depends on no release of PostgreSQL`);
  return found;
}

const closure = (names: string[], options: string[]) => depends(["--recurse", ...names], options);

async function depends(args: string[], options: string[]): Promise<string[]> {
  const no = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map((each) => `--no-${each}`);
  const output = await run("apt-cache", [...options, "depends", ...no, ...args]);
  return output.split("\n").flatMap((line) => /^(?:\s+Depends: )?([a-z0-9][\w.+-]*)$/.exec(line)?.[1] ?? []);
}

async function run(command: string, args: string[], cwd = cacheDir()): Promise<string> {
  return (await exec(command, args, { cwd, maxBuffer: 1 << 26 })).stdout;
}
