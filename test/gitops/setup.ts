// What the GitOps tests need: a program that reads statuses as Flux and Argo CD do, Helm, kubeconform, and the schemas of those
// tools' kinds.
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { writeSchemas } from "../charts/schemas.ts";
import { ensureBinaries } from "../cluster/binaries.ts";
import { moduleSources } from "../cluster/go-modules.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The program. */
    reading: string;
  }
}

/** Folders of modules with CustomResourceDefinitions. */
const definitions = {
  "github.com/argoproj/argo-cd/v3": "manifests/crds/*-crd.yaml",
  "github.com/fluxcd/source-controller": "config/crd/bases/*.yaml",
  "github.com/fluxcd/kustomize-controller": "config/crd/bases/*.yaml",
  "github.com/fluxcd/helm-controller": "config/crd/bases/*.yaml",
};

async function definitionFiles(): Promise<string[]> {
  const found = Object.entries(definitions).map(async ([module, files]) => {
    const folder = await moduleSources("gitops-crds", module);
    return globSync(files, { cwd: folder }).map((file) => join(folder, file));
  });
  return (await Promise.all(found)).flat();
}

export default async function setup(project: TestProject): Promise<() => void> {
  const context = { log: (line: string) => console.log(line), signal: new AbortController().signal };
  const binary = await ensureBinaries(context, ["helm", "kubeconform", "gitops-reading"]);
  const folder = mkdtempSync(join(tmpdir(), "anypod-gitops-"));
  await writeSchemas(folder, await definitionFiles());
  project.provide("helm", binary("helm"));
  project.provide("kubeconform", binary("kubeconform"));
  project.provide("reading", binary("gitops-reading"));
  project.provide("schemas", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
