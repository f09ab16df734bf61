{{/* What the webhook's parts share. */}}

{{- define "remora.webhookLabels" -}}
{ app.kubernetes.io/name: {{ include "remora.name" . }}, app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: webhook }
{{- end -}}

{{/* Everything of an entry of the MutatingWebhookConfiguration but whom it is for. Where cert-manager writes the caBundle,
there is none here: an empty one would be a difference to every tool that compares. */}}
{{- define "remora.webhookRules" -}}
{{- $webhook := .Values.webhook -}}
clientConfig:
  service:
    name: {{ include "remora.fullname" . | trunc 55 | trimSuffix "-" }}-webhook
    namespace: {{ .Release.Namespace }}
    path: /inject
    port: 443
  {{- with $webhook.certificate.caBundle }}
  caBundle: {{ b64enc . }}
  {{- end }}
rules:
  - { apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced }
admissionReviewVersions: [v1]
sideEffects: None
# What a pod waits at most while the webhook can't be reached.
timeoutSeconds: 2
matchPolicy: Equivalent
reinvocationPolicy: Never
{{- end -}}
