{{/*
The McpServer's name. Installed by itself, the release is the server: `helm install basket` makes the McpServer basket. As a
part of another chart, it is told apart by the name or alias that it has there.
*/}}
{{- define "mcp-server.name" -}}
{{- $part := .Values.nameOverride | default (.Chart.IsRoot | ternary "" .Chart.Name) }}
{{- $name := empty $part | ternary .Release.Name (printf "%s-%s" .Release.Name $part) }}
{{- $name = .Values.fullnameOverride | default $name }}
{{- if gt (len $name) 63 }}{{ fail (printf "'%s' is longer than the 63 characters of an McpServer's name: set fullnameOverride" $name) }}{{ end }}
{{- $name }}
{{- end }}
