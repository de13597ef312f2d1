// Real databases for tests: processes of this machine, on 127.0.0.1, each with a folder of its own that goes away with it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { isOfLibc, librariesIn } from "../cluster/debian-files.ts";
import { controlPlanePackages, ensurePackages } from "../cluster/packages.ts";
import { createPki, type Pki } from "../cluster/pki.ts";
import { freePorts } from "../cluster/ports.ts";
import { isAlive } from "../cluster/processes.ts";
import { waitUntil } from "../cluster/wait.ts";

export interface Engine extends AsyncDisposable {
  /** Where it is or will be; with `tls`, by the names in its certificate. */
  url(options?: { tls?: string; password?: string; user?: string; database?: string }): string;
  /** The CA of its certificate, and of nobody's. */
  readonly ca: string;
  readonly otherCa: string;
  readonly password: string;
  start(): Promise<void>;
  /** SIGTERM, unless told. Its data stays. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Stops its process in its tracks, so that connections live and nobody answers; and lets it go on. */
  freeze(): void;
  thaw(): void;
  /** What its own command line client says. */
  ask(what: string): Promise<string>;
}

/** Has the programs, a port and certificates, in a folder that user `nobody` may enter. */
export interface Place {
  folder: string;
  port: number;
  pki: Pki;
  otherCa: string;
  /** The path of a program. */
  program: (name: string) => string;
  /** Runs a program as `nobody` where this is root, which PostgreSQL refuses to be. It ends with this process. */
  spawn(program: string, args: string[]): ChildProcess;
}

/** Gives `work` a new folder, which stays only when that succeeds. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-store-"));
  try {
    await ensurePackages({ log: console.log }, controlPlanePackages);
    return await work(folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @param from the programs' folder `bin` below `root`, and what else they need from there */
export async function place(folder: string, from: { root: string; bin: string; more?: string[] }): Promise<Place> {
  const { root, bin, more = [] } = from;
  // A copy: nobody may look into root's home, where the cache is.
  for (const path of [bin, ...more])
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: (name) => !name.includes("/bitcode") });
  const programs = readdirSync(join(root, bin)).filter((name) =>
    /^(redis-(server|cli)|postgres|initdb|psql)$/.test(name),
  );
  const libraries = librariesIn(
    root,
    programs.map((name) => `${bin}/${name}`),
  ).filter((path) => !isOfLibc(path));
  mkdirSync(join(folder, "libraries"));
  for (const path of libraries) copyFileSync(join(root, path), join(folder, "libraries", basename(path)));
  const pki = await createPki(join(folder, "pki"));
  await pki.issue({ file: "server", user: "store", names: ["DNS:localhost"] });
  const other = await createPki(join(folder, "other-pki"));
  const [port = 0] = await freePorts(1);
  mkdirSync(join(folder, "data"));
  for (const path of ["data", "pki", "pki/server.key"]) own(join(folder, path));
  chmodSync(folder, 0o755);
  const program = (name: string) => join(folder, bin, name);
  const before = isRoot() ? ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"] : [];
  return {
    folder,
    port,
    pki,
    otherCa: other.file("ca.crt"),
    program,
    spawn: (name, args) =>
      spawn("setpriv", [...before, "--pdeathsig", "KILL", program(name), ...args], {
        env: { PATH: process.env.PATH, LD_LIBRARY_PATH: join(folder, "libraries"), LANG: "C.UTF-8" },
        cwd: join(folder, "data"),
      }),
  };
}

const nobody = 65534;
const isRoot = () => process.getuid?.() === 0;

function own(path: string): void {
  if (isRoot()) chownSync(path, nobody, nobody);
}

/** A database as one process, and everything that tests do to it but knowing what it is. */
export interface Kind {
  server: { program: string; args: string[] };
  ask: (what: string) => { program: string; args: string[] };
  answers: (output: string) => boolean;
  url: Engine["url"];
  password: string;
}

export function engine(where: Place, kind: Kind): Engine {
  let running: ChildProcess | undefined;
  let log = "";
  const ask = async (what: string) => {
    const { program, args } = kind.ask(what);
    return await outputOf(where.spawn(program, args));
  };
  const start = async () => {
    const child = where.spawn(kind.server.program, kind.server.args);
    running = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (log += text));
    const answers = async () => kind.answers(await ask("ready").catch(String));
    await waitUntil(answers, { for: `${kind.server.program} to answer`, timeout: 30_000, details: () => log });
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill(signal);
    await ended;
  };
  return {
    url: kind.url,
    ca: where.pki.file("ca.crt"),
    otherCa: where.otherCa,
    password: kind.password,
    start,
    stop,
    freeze: () => signalAll(running, "SIGSTOP"),
    thaw: () => signalAll(running, "SIGCONT"),
    ask,
    async [Symbol.asyncDispose]() {
      signalAll(running, "SIGCONT");
      await stop("SIGQUIT");
      rmSync(where.folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** PostgreSQL has a process for each connection. */
function signalAll({ pid }: { pid?: number | undefined } = {}, signal: NodeJS.Signals): void {
  if (pid === undefined || !isAlive(pid)) return;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  for (const each of [pid, ...children]) process.kill(each, signal);
}

/** What a program writes; throws what it complains of. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(output);
  return output.trim();
}
