// The demo's operator: a process that outlives the demo, until `npm run demo -- down`.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/wait.ts";

const main = fileURLToPath(new URL("../../operator/main.ts", import.meta.url));
const folder = join(tmpdir(), `anypod-demo-${userInfo().uid}`);
const pidFile = join(folder, "operator.pid");
const logFile = join(folder, "operator.log");

/** Its process id, when it runs; a file that outlived its process, or whose id another process has by now, says nothing. */
function runningPid(): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    process.kill(pid, 0);
    const command = process.platform === "linux" ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : main;
    return command.includes(main) ? pid : undefined;
  } catch {
    return;
  }
}

/** Starts the operator anew, and returns when it works. */
export async function startDetachedOperator(kubeconfig: string): Promise<void> {
  await stopDetachedOperator();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, [main, "run", "--kubeconfig", kubeconfig], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  writeFileSync(pidFile, String(child.pid));
  child.unref();
  await eventually("the operator works", () => {
    const text = readFileSync(logFile, "utf8");
    if (child.exitCode !== null) throw new Error(`it ended:\n${text}`);
    return text.includes("caches synced");
  });
}

/** Ends the operator, if it runs, and returns when it is gone. */
export async function stopDetachedOperator(): Promise<void> {
  const pid = runningPid();
  if (pid !== undefined) process.kill(pid, "SIGTERM");
  await eventually("the operator has ended", () => runningPid() === undefined);
  rmSync(folder, { recursive: true, force: true });
}
