// Writes what is generated from the schema; with --check, fails when the committed files are stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dump } from "js-yaml";
import { crd } from "./crd.ts";
import { group, plural } from "./mcpserver.ts";
import { reference } from "./reference.ts";

/** Writes the files, by their path; as a program that was called with --check, tells which differ and fails. */
export function writeOrCheck(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    if (!process.argv.includes("--check")) writeFileSync(path, content);
    else if (!existsSync(path) || readFileSync(path, "utf8") !== content) {
      console.error(`${path} is stale: run npm run generate`);
      process.exitCode = 1;
    }
  }
}

const header = "# Generated from operator/api/mcpserver.ts by `npm run generate`.\n";

if (import.meta.main)
  writeOrCheck({
    [`crds/${plural}.${group}.yaml`]: header + dump(crd(), { lineWidth: 120, noRefs: true }),
    "docs/reference.md": reference(),
  });
