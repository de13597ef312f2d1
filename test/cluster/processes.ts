// Starting the cluster's processes: each with a log file of its own, ended with their starter, and waited for with an error
// that shows the end of that log.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "./wait.ts";

/** What every part of a starting cluster is given. */
export interface StartContext {
  /** The cluster's name. */
  name: string;
  /** A directory of the cluster's own; it goes away with the cluster. */
  dir: string;
  /** Says progress to the user. */
  log: (line: string) => void;
  /** Aborted when the cluster is to end before it has started. */
  signal: AbortSignal;
  /** Remembers what must be done when the cluster ends, whether or not it has started. Last in, first out. */
  onEnd: (cleanup: () => Promise<void> | void) => void;
}

export interface Command {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export interface Process {
  name: string;
  pid: number;
  /** Set when the process has ended, to how. */
  ended: () => string | undefined;
  /** The end of its log. */
  tail: () => string;
  /** SIGKILL; returns when it has ended, which is then no news. */
  kill: () => Promise<void>;
}

/** Starts a process that is killed when the cluster ends, and (on Linux) also when the calling process is killed. */
export function startProcess(context: StartContext, { name, command, args, env }: Command): Process {
  const logFile = join(context.dir, `${name}.log`);
  const log = openSync(logFile, "a");
  const [program, ...before] = dyingWithItsStarter(command);
  const child = spawn(program as string, [...before, ...args], {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  let ended: string | undefined;
  let ending = false;
  const gone = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      ended = `could not be started: ${error.message}`;
      resolve();
    });
    child.once("exit", (code, signal) => {
      ended = `ended with ${signal ?? `exit code ${code}`}`;
      if (!ending) context.log(`${name} ${ended}; the end of its log:\n${tailOf(logFile)}`);
      resolve();
    });
  });
  const kill = async () => {
    ending = true;
    child.kill("SIGKILL");
    await gone;
  };
  context.onEnd(kill);
  return { name, pid: child.pid ?? 0, ended: () => ended, tail: () => tailOf(logFile), kill };
}

/** Waits for a condition that `process` brings about; fails at once when the process ends. */
export async function waitFor<T>(
  context: StartContext,
  process: Process,
  what: string,
  condition: () => Promise<T> | T,
): Promise<NonNullable<T>> {
  const died = new AbortController();
  const failure = () => `${process.name}, the end of its log:\n${process.tail()}`;
  const checked = () => {
    const how = process.ended();
    if (how) died.abort(new Error(`${process.name} ${how} while waiting for ${what}.\n${failure()}`));
    died.signal.throwIfAborted();
    return condition();
  };
  const signal = AbortSignal.any([context.signal, died.signal]);
  return waitUntil(checked, { for: what, timeout: 90_000, signal, details: failure });
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The last lines of a log file; empty when there is none. */
export function tailOf(file: string, lines = 15): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "";
  }
}

function dyingWithItsStarter(command: string): string[] {
  return process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL", command] : [command];
}
