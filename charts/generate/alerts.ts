// The alerts of the operator's chart, as they stand in files/alerts.yaml.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";

export const alertsFile = new URL("../anypod/files/alerts.yaml", import.meta.url);

interface Rules {
  groups: { name: string; rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}

export const alertGroups = () => (load(readFileSync(alertsFile, "utf8")) as Rules).groups;

/** Their names, in order. */
export const alertNames = (): string[] => alertGroups().flatMap(({ rules }) => rules.map(({ alert }) => alert));
