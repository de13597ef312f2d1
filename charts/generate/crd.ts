// The CustomResourceDefinition as a template, so that `helm upgrade` upgrades it: what lies in a chart's crds/ is only ever
// installed.
import { dump } from "js-yaml";
import { crd } from "../../operator/api/crd.ts";

/** Text as a template that renders to it. */
const literal = (text: string) => text.replaceAll(/\{\{|\}\}/g, (braces) => `{{ "${braces}" }}`);

/** templates/mcpservers.yaml of the chart anypod-crds. */
export function crdTemplate(): string {
  const { metadata, ...rest } = crd() as { metadata: { name: string }; apiVersion: string; kind: string; spec: object };
  const { spec, ...type } = rest;
  const yaml = (value: object) => literal(dump(value, { lineWidth: 120, noRefs: true }));
  return `{{- /* Generated from operator/api/mcpserver.ts by \`npm run generate\`. */}}
${yaml(type)}metadata:
  name: ${metadata.name}
  labels:
    {{- $labels := dict "app.kubernetes.io/part-of" "anypod" "app.kubernetes.io/managed-by" .Release.Service }}
    {{- mustMerge $labels .Values.labels | toYaml | nindent 4 }}
  {{- $keep := .Values.keep | ternary (dict "helm.sh/resource-policy" "keep") dict }}
  {{- with mustMerge $keep .Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
${yaml({ spec })}`;
}
