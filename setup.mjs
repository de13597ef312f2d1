// Makes the checkout ready to run: installs the npm dependencies (Node itself among them) when the lock file is newer than
// what is installed. Plain JavaScript without dependencies, so that any Node ≥ 18 can start it on a fresh clone.
import { execSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

const installed = "node_modules/.package-lock.json";
const fresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync("package-lock.json").mtimeMs;
if (!fresh) {
  console.error("anypod: installing npm dependencies (once) …");
  execSync("npm ci --no-audit --no-fund --loglevel=error", { stdio: ["ignore", 2, 2] });
}
