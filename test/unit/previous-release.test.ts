// Where upgrades start from is in the clone's history, or somebody is told how to get it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { unpackPreviousRelease } from "../support/previous-release.ts";
import { root, run } from "../support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "anypod-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a shallow clone is told how to get the previous release", async () => {
  const clone = join(folder, "clone");
  const { stderr } = await run(["git", "clone", "--quiet", "--depth=1", "--no-checkout", `file://${root}`, clone]);
  expect(stderr).toBe("");
  await expect(unpackPreviousRelease(clone)).rejects.toThrow(/previous release, \S+, isn't .*git fetch --unshallow/);
});
