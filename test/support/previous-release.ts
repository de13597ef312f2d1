// The release before this one, which upgrades start from and roll back to: its sources, from this clone's history.
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "./processes.ts";

/** A commit, as there is no release yet; from the first one on, the last release's tag, such as v0.1.0. */
const previousRelease = "c4100a8ece432e5486a6f934e051f888c425697d";

/** What upgrades are tested with: charts, the operator, and files with McpServers of all kinds. */
const paths = ["bundle.ts", "charts", "operator", "package.json", "test/golden"];

async function git(clone: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["git", "-C", clone, ...args]);
  if (code !== 0) throw new Error(`git ${args[0]}: ${stderr.trim()}`);
  return stdout.trim();
}

/** @throws Error that says how to get the commit */
async function assertHas(clone: string, commit: string): Promise<void> {
  const isThere = await run(["git", "-C", clone, "cat-file", "-e", `${commit}^{commit}`]);
  if (isThere.code === 0) return;
  const isShallow = (await git(clone, "rev-parse", "--is-shallow-repository")) === "true";
  const help = isShallow ? "this clone is shallow: run git fetch --unshallow --tags" : "run git fetch --tags";
  throw new Error(`the previous release, ${commit}, isn't in the history here; ${help}`);
}

/** Bundling finds packages there: the present ones. */
const linkPackages = (folder: string) => symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));

export interface PreviousRelease {
  folder: string;
  remove(): void;
}

/** Unpacks the previous release. @param clone whose history it is in */
export async function unpackPreviousRelease(clone = root): Promise<PreviousRelease> {
  await assertHas(clone, previousRelease);
  const folder = mkdtempSync(join(tmpdir(), "anypod-previous-"));
  const archive = join(folder, "sources.tar");
  await git(clone, "archive", `--output=${archive}`, previousRelease, ...paths);
  const { code, stderr } = await run(["tar", "-xf", archive, "-C", folder]);
  if (code !== 0) throw new Error(`tar: ${stderr.trim()}`);
  linkPackages(folder);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
