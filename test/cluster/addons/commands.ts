// Running a program to its end with a text as its input.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Given {
  /** Its standard input; nothing unless told. */
  input?: string;
  /** Beside this process's own environment. */
  env?: Record<string, string>;
  /** The folder that it works in; this process's own unless told. */
  cwd?: string;
}

/** Returns what it prints. Throws with what it says of what went wrong when it fails. */
export async function output(
  command: string,
  args: string[],
  { input = "", env = {}, cwd }: Given = {},
): Promise<string> {
  const running = run(command, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
  // A program that fails at once doesn't read to the end.
  running.child.stdin?.on("error", () => undefined).end(input);
  return (await running).stdout;
}
