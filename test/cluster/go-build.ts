// One `go build`, with progress: a line every quarter of a minute that tells how far it is.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { StartContext } from "./processes.ts";

export interface GoBuild {
  /** The module's folder. */
  dir: string;
  output: string;
  packages: string[];
  ldflags: string;
  tags?: string[] | undefined;
}

const progressEvery = 15_000;

export async function goBuild(context: Pick<StartContext, "log" | "signal">, build: GoBuild): Promise<void> {
  context.signal.throwIfAborted();
  const ldflags = `-s -w ${build.ldflags}`.trim();
  const tags = build.tags ? ["-tags", build.tags.join(",")] : [];
  const args = ["build", "-v", "-trimpath", ...tags, "-ldflags", ldflags, "-o", build.output, ...build.packages];
  const child = spawn("go", args, {
    cwd: build.dir,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
    // A process group of its own: ending it ends the compilers that it started.
    detached: true,
  });
  const progress = reportProgress(context.log, child);
  const stop = () => endGroup(child);
  context.signal.addEventListener("abort", stop);
  try {
    const code = await exitOf(child);
    context.signal.throwIfAborted();
    if (code !== 0) throw new Error(`go build in ${build.dir} failed:\n${progress.lastLines()}`);
  } finally {
    context.signal.removeEventListener("abort", stop);
    progress.stop();
  }
}

function reportProgress(log: (line: string) => void, child: ChildProcess) {
  const started = Date.now();
  const lines: string[] = [];
  let compiled = 0;
  let now = "";
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
    const download = line.startsWith("go: downloading");
    if (!download) compiled++;
    now = download ? line.replace("go: ", "") : `compiling ${line}`;
    lines.push(line);
    if (lines.length > 20) lines.shift();
  });
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    log(`  … ${seconds} s, ${compiled} packages compiled${now ? `, ${now}` : ""}`);
  }, progressEvery);
  return { stop: () => clearInterval(timer), lastLines: () => lines.join("\n") };
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
