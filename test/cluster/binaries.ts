// Makes the Go binaries exist: built once from the modules in binaries/ into the user's cache directory, by version.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { goBuild } from "./go-build.ts";
import { type GoModule, goModules, sources } from "./go-modules.ts";
import { withLock } from "./lock.ts";
import type { StartContext } from "./processes.ts";
import { cacheDir } from "./state.ts";

type BuildContext = Pick<StartContext, "log" | "signal">;

/**
 * Builds what is missing of the named binaries, saying so with progress.
 * @returns the path of a binary by its name
 */
export async function ensureBinaries(context: BuildContext, names: string[]): Promise<(name: string) => string> {
  for (const module of goModules()) {
    const wanted = names.filter((name) => name in module.packages);
    const missing = () => wanted.filter((name) => !existsSync(binaryPath(module, name)));
    if (missing().length === 0) continue;
    const waiting = () => context.log(`waiting for another process that builds ${module.folder} ${module.version}`);
    const lock = { path: join(cacheDir(), `${module.folder}.lock`), waiting, signal: context.signal };
    await withLock(lock, () => build(context, module, missing()));
  }
  return binary;
}

function binary(name: string): string {
  const module = goModules().find(({ packages }) => name in packages);
  if (!module) throw new Error(`no module has the binary ${name}`);
  return binaryPath(module, name);
}

function binaryPath({ folder, version }: GoModule, name: string): string {
  return join(cacheDir(), `${folder}-${version}-${process.platform}-${process.arch}`, name);
}

async function build(context: BuildContext, module: GoModule, names: string[]): Promise<void> {
  if (names.length === 0) return;
  const what = `${names.join(", ")} ${module.version}`;
  context.log(`building ${what} from Go modules, once (takes ${module.takes})`);
  requireGo(module.folder, what);
  const started = Date.now();
  const into = mkdtempSync(join(cacheDir(), "building-"));
  try {
    const packages = names.map((name) => module.packages[name] as string);
    // One build for all: they share most of their packages. Go names what it builds of several after their folders.
    const fileOf = (name: string) => (names.length === 1 ? name : basename(module.packages[name] as string));
    const output = names.length === 1 ? join(into, fileOf(names[0] as string)) : `${into}/`;
    const { ldflags, tags } = module;
    await goBuild(context, { dir: sources(module.folder), output, packages, ldflags, tags });
    for (const name of names) moveInto(join(into, fileOf(name)), binaryPath(module, name));
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
  context.log(`built ${what} in ${Math.round((Date.now() - started) / 1000)} s`);
}

function moveInto(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function requireGo(folder: string, what: string): void {
  const needs = readFileSync(join(sources(folder), "go.mod"), "utf8").match(/^go (\d+)\.(\d+)/m) ?? [];
  const [major, minor] = [Number(needs[1]), Number(needs[2])];
  const hint =
    `Go ${major}.${minor} or later must be on the PATH to build ${what}: install it with the system's package manager ` +
    "(Debian: the package golang-go, of backports if need be; macOS: brew install go), or start a Docker daemon, " +
    "or set ANYPOD_CLUSTER=existing and KUBECONFIG";
  let has: string;
  try {
    has = execFileSync("go", ["env", "GOVERSION"], {
      // In a module, so that a Go that can fetch a later one by itself does.
      cwd: sources(folder),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    throw new Error(`Go is missing. ${hint}`);
  }
  const [hasMajor = 0, hasMinor = 0] = has.replace("go", "").split(".").map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) throw new Error(`Go is too old (${has}). ${hint}`);
}
