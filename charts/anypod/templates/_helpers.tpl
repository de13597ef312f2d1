{{- define "anypod.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The name of the objects: the release's, which has the chart's in it. */}}
{{- define "anypod.fullname" -}}
{{- $name := include "anypod.name" . }}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $both .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The name of what has no namespace, or lies in somebody else's: two releases of one name don't meet. */}}
{{- define "anypod.globalName" -}}
{{- printf "%s.%s" (include "anypod.fullname" .) .Release.Namespace }}
{{- end }}

{{- define "anypod.selectorLabels" -}}
app.kubernetes.io/name: {{ include "anypod.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Nothing that changes with the chart's version alone: that would roll pods for nothing. */}}
{{- define "anypod.podLabels" -}}
{{- mustMerge (include "anypod.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels | toYaml }}
{{- end }}

{{- define "anypod.labels" -}}
{{- $own := dict
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/component" "operator"
  "app.kubernetes.io/part-of" "anypod"
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- mustMerge (include "anypod.selectorLabels" . | fromYaml) $own .Values.commonLabels | toYaml }}
{{- end }}

{{/* metadata of an object of the release's namespace. Takes a list: the context, and optionally what follows the name, and annotations. */}}
{{- define "anypod.metadata" -}}
{{- $context := index . 0 }}
{{- $suffix := "" }}
{{- if gt (len .) 1 }}{{ $suffix = index . 1 }}{{ end }}
{{- $annotations := $context.Values.commonAnnotations }}
{{- if gt (len .) 2 }}{{ $annotations = mustMerge (dict) (index . 2) $annotations }}{{ end -}}
name: {{ include "anypod.fullname" $context }}{{ $suffix }}
namespace: {{ $context.Release.Namespace }}
{{ include "anypod.common" (list $context $annotations) }}
{{- end }}

{{/* Labels and annotations. Takes a list: the context, and the annotations. */}}
{{- define "anypod.common" -}}
labels:
  {{- include "anypod.labels" (index . 0) | nindent 2 }}
{{- with index . 1 }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "anypod.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "anypod.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is missing: with serviceAccount.create=false, it names the ServiceAccount to use" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "anypod.image" -}}
{{- with .Values.image -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* Constraints without a selector are about the operator's own pods. */}}
{{- define "anypod.topologySpreadConstraints" -}}
{{- $own := dict "matchLabels" (include "anypod.selectorLabels" . | fromYaml) }}
{{- $all := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $all = append $all (merge (dict "labelSelector" (default $own .labelSelector)) (omit . "labelSelector")) }}
{{- end }}
{{- toYaml $all }}
{{- end }}
