{{/* The text of remora.yaml. A default in values.yaml would be merged into what users say; this one isn't. */}}
{{- define "remora.config" -}}
{{- if and (kindIs "string" .Values.config) (trim .Values.config) -}}
{{ .Values.config }}
{{- else if and .Values.config (not (kindIs "string" .Values.config)) -}}
{{ toYaml .Values.config }}
{{- else -}}
providers:
  openai:
    api_key: { file: /var/run/secrets/remora/openai }
default_provider: openai
shutdown: { drain: 25s }
{{- end -}}
{{- end -}}
