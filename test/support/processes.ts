// Programs that checks and tests run, with this Node and the installed packages' commands on the PATH.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Ended {
  /** Exit code; 128 when a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Text for its standard input. */
  input?: string;
  /** Shows the output as it comes instead of returning it. */
  show?: boolean;
  /** Working directory, the checkout unless told. */
  cwd?: string;
}

const env = () => {
  const path = [join(root, "node_modules/.bin"), dirname(process.execPath), process.env.PATH ?? ""].join(":");
  return { ...process.env, PATH: path };
};

/** Runs a program to its end. `node` is this Node. Never throws: a program that can't be started ends with 127. */
export function run([program = "", ...args]: string[], options: RunOptions = {}): Promise<Ended> {
  const { input, show = false, cwd = root } = options;
  const output = show ? "inherit" : "pipe";
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd,
    env: env(),
    stdio: [input === undefined ? "ignore" : "pipe", output, output],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdin?.end(input);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: 127, stdout, stderr: `${program}: ${error.message}` }));
    child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}
