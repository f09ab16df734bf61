{{/* The pod's parts, for the pod templates of other charts. None holds a hash of the configuration: a change of it
must not restart the pod. */}}

{{/* An entry of `initContainers`. Put it first, so that other init containers can use it too. A native sidecar gets
SIGTERM when the application has ended: it needs no preStop hook. */}}
{{- define "remora.container" -}}
- name: remora
  image: {{ include "remora.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  args:
    - serve
    - --config
    - /etc/remora/remora.yaml
    {{- range .Values.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  {{- with .Values.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: remora-admin
      containerPort: 4142
  startupProbe:
    httpGet: { path: /readyz, port: remora-admin }
    {{- toYaml .Values.startupProbe | nindent 4 }}
  livenessProbe:
    httpGet: { path: /healthz, port: remora-admin }
    {{- toYaml .Values.livenessProbe | nindent 4 }}
  readinessProbe:
    httpGet: { path: /readyz, port: remora-admin }
    {{- toYaml .Values.readinessProbe | nindent 4 }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    {{- include "remora.volumeMounts" . | nindent 4 }}
{{- end -}}

{{/* Whole directories: what is mounted with subPath never changes. */}}
{{- define "remora.volumeMounts" -}}
- name: remora-config
  mountPath: /etc/remora
  readOnly: true
{{- if .Values.existingSecrets }}
- name: remora-secrets
  mountPath: /var/run/secrets/remora
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Entries of `volumes`. Remora doesn't run as root: a mode of 0400 would keep it out, and no other container mounts
these volumes. */}}
{{- define "remora.volumes" -}}
- name: remora-config
  configMap:
    name: {{ include "remora.configMapName" . }}
    defaultMode: 0444
{{- with .Values.existingSecrets }}
- name: remora-secrets
  projected:
    defaultMode: 0444
    sources:
      {{- range . }}
      - secret:
          {{- toYaml . | nindent 10 }}
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Entries of `env` of the application's container. */}}
{{- define "remora.env" -}}
- name: OPENAI_BASE_URL
  value: {{ .Values.application.baseURL | quote }}
- name: OPENAI_API_KEY
  value: {{ .Values.application.apiKey | quote }}
{{- end -}}
