// Rights → the rules of a role, as the templates of the chart include them.
import { clusterScoped, election, namespaced, type Right } from "./rights.ts";

const sorted = (values: string[]) => [...new Set(values)].sort();
const flow = (values: string[]) => `[${values.map((value) => (value === "" ? '""' : value)).join(", ")}]`;

interface Rule {
  group: string;
  resources: string[];
  verbs: string[];
  names: string[];
}

/** One rule for all resources of a group with the same verbs. */
function grouped(rights: Right[]): Rule[] {
  const rules = new Map<string, Rule>();
  for (const { group, resource, verbs, names = [] } of rights) {
    const key = JSON.stringify([group, sorted(verbs), names]);
    const resources = rules.get(key)?.resources ?? [];
    rules.set(key, { group, resources: [...resources, resource], verbs: sorted(verbs), names });
  }
  return [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

const ruleText = ({ group, resources, verbs, names }: Rule) =>
  [
    `- apiGroups: ${flow([group])}`,
    `  resources: ${flow(sorted(resources))}`,
    ...(names.length > 0 ? [`  resourceNames: ${flow(names)}`] : []),
    `  verbs: ${flow(verbs)}`,
  ].join("\n");

const definition = (name: string, rights: Right[]) =>
  `{{- define "anypod.rules.${name}" -}}\n${grouped(rights).map(ruleText).join("\n")}\n{{- end }}\n`;

/** templates/_rules.tpl of the operator's chart. */
export function rulesTemplate(): string {
  return [
    "{{- /* Generated from operator/reconcile/kinds.ts and charts/generate/rights.ts by `npm run generate`. */}}\n",
    definition("namespaced", namespaced),
    definition("clusterScoped", clusterScoped),
    definition("everywhere", [...namespaced, ...clusterScoped]),
    definition("election", election),
  ].join("\n");
}
