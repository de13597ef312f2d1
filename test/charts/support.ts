// What the tests of the charts share: Helm, kubeconform, and what comes out of them.
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { inject } from "vitest";
import { output } from "../cluster/addons/commands.ts";
import { runHelm } from "../support/helm.ts";
import { root } from "../support/processes.ts";

export const charts = ["anypod", "anypod-crds", "mcp-server"] as const;
export const chartFolder = (chart: string) => join(root, "charts", chart);

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind
export type Rendered = { kind: string; metadata: { name: string; [field: string]: any }; [field: string]: any };

/** Runs Helm. Throws with what it says is wrong. */
export const helm = (args: string[], input?: string) => runHelm(inject("helm"), args, input);

export interface Release {
  chart: string;
  name?: string;
  namespace?: string;
  values?: object;
  flags?: string[];
}

/** What the release would apply, as text. Throws with what Helm says is wrong. */
export function template({ chart, name = "anypod", namespace = "anypod-system", values = {}, flags = [] }: Release) {
  const release = [name, chart.includes("/") ? chart : chartFolder(chart), "--namespace", namespace];
  return helm(["template", ...release, "--values=-", ...flags], JSON.stringify(values));
}

export async function rendered(release: Release): Promise<Rendered[]> {
  return (loadAll(await template(release)) as (Rendered | null)[]).filter((object) => object !== null);
}

/** Those of a kind. */
export const ofKind = (objects: Rendered[], kind: string) => objects.filter((object) => object.kind === kind);

/** Why Helm refuses the release; empty when it doesn't. */
export async function refusal(release: Release): Promise<string> {
  return template(release).then(
    () => "",
    (error: { stderr?: string }) => error.stderr ?? String(error),
  );
}

/** What is wrong with manifests, by the schemas of their kinds, as kubeconform says it; empty when nothing is. */
export async function problemsOf(manifests: string): Promise<string> {
  const schemas = join(inject("schemas"), "{{ .ResourceKind }}{{ .KindSuffix }}.json");
  const args = ["-strict", "-schema-location", schemas, "-"];
  return output(inject("kubeconform"), args, { input: manifests }).catch(
    (error: { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`,
  );
}
