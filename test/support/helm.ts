// Helm as its users run it, but for that it keeps nothing in the user's home.
import { join } from "node:path";
import { output } from "../cluster/addons/commands.ts";
import { cacheDir } from "../cluster/state.ts";

/** Runs Helm; returns what it prints. Throws with what it says is wrong. */
export function runHelm(binary: string, args: string[], input = ""): Promise<string> {
  const home = join(cacheDir(), "helm-home");
  const env = Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, home]));
  return output(binary, args, { env, input });
}
