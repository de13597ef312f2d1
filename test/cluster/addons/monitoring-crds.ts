// The CustomResourceDefinitions of the Prometheus Operator, as it ships them.
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
export async function definitionFile(plural: string): Promise<string> {
  const sources = await moduleSources("prometheus-operator", "github.com/prometheus-operator/prometheus-operator");
  return join(sources, "example/prometheus-operator-crd", `monitoring.coreos.com_${plural}.yaml`);
}

export const monitoringDefinition = async (plural: string) =>
  load(readFileSync(await definitionFile(plural), "utf8")) as Definition;
