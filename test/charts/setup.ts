// What the tests of the charts and of their release need: Helm, kubeconform, actionlint and promtool, built once, and the schemas of all
// kinds.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensureBinaries } from "../cluster/binaries.ts";
import { writeSchemas } from "./schemas.ts";

declare module "vitest" {
  interface ProvidedContext {
    helm: string;
    kubeconform: string;
    actionlint: string;
    promtool: string;
    /** The folder with a JSON schema for each kind. */
    schemas: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const context = { log: (line: string) => console.log(line), signal: new AbortController().signal };
  const binary = await ensureBinaries(context, ["helm", "kubeconform", "actionlint", "promtool"]);
  const folder = mkdtempSync(join(tmpdir(), "anypod-charts-"));
  await writeSchemas(folder);
  project.provide("helm", binary("helm"));
  project.provide("kubeconform", binary("kubeconform"));
  project.provide("actionlint", binary("actionlint"));
  project.provide("promtool", binary("promtool"));
  project.provide("schemas", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
