// The CustomResourceDefinitions of the Prometheus Operator, as it ships them: the operator itself can't be had as a Go
// module, and the API server checks objects without it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { moduleSources } from "../go-modules.ts";

export interface Definition {
  metadata: { name: string };
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: { properties: Record<string, unknown> } } }[];
  };
}

/** @param plural such as `podmonitors` */
export async function monitoringDefinition(plural: string): Promise<Definition> {
  const sources = await moduleSources("prometheus-operator", "github.com/prometheus-operator/prometheus-operator");
  const file = join(sources, "example/prometheus-operator-crd", `monitoring.coreos.com_${plural}.yaml`);
  return load(readFileSync(file, "utf8")) as Definition;
}
