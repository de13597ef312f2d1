// Writes what is generated from the schema; with --check, fails when the committed files are stale.
import { readFileSync, writeFileSync } from "node:fs";
import { dump } from "js-yaml";
import { crd } from "./crd.ts";
import { group, plural } from "./mcpserver.ts";
import { reference } from "./reference.ts";

const header = "# Generated from operator/api/mcpserver.ts by `npm run generate`.\n";
const files: Record<string, string> = {
  [`crds/${plural}.${group}.yaml`]: header + dump(crd(), { lineWidth: 120, noRefs: true }),
  "docs/reference.md": reference(),
};

for (const [path, content] of Object.entries(files)) {
  if (!process.argv.includes("--check")) writeFileSync(path, content);
  else if (readFileSync(path, "utf8") !== content) {
    console.error(`${path} is stale: run npm run generate`);
    process.exitCode = 1;
  }
}
