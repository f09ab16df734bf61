{{/* The pod's parts, for the pod templates of other charts. None holds a hash of the configuration: a change of it
must not restart the pod. */}}

{{/* An entry of `initContainers`. Put it first, so that other init containers can use it too. A native sidecar gets
SIGTERM when the application has ended: it needs no preStop hook. */}}
{{- define "remora.container" -}}
- name: remora
  image: {{ include "remora.image" . | quote }}
  {{- with .Values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  restartPolicy: Always
  args:
    - serve
    - --config
    - /etc/remora/remora.yaml
    {{- range .Values.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  env:
    {{- include "remora.whereabouts" . | nindent 4 }}
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: remora-admin
      containerPort: 4142
  startupProbe:
    httpGet: { path: /readyz, port: remora-admin }
    {{- with .Values.startupProbe }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  livenessProbe:
    httpGet: { path: /healthz, port: remora-admin }
    {{- with .Values.livenessProbe }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  readinessProbe:
    httpGet: { path: /readyz, port: remora-admin }
    {{- with .Values.readinessProbe }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "remora.securityContext" . | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    {{- include "remora.volumeMounts" . | nindent 4 }}
{{- end -}}

{{/* What the pod is, for traces and audit logs. Ahead of `extraEnv`, whose values may hold it, as in `$(K8S_POD_NAME)`; what
has the same name there is that instead. */}}
{{- define "remora.whereabouts" -}}
{{- $names := list -}}
{{- range .Values.extraEnv -}}{{- $names = append $names .name -}}{{- end -}}
{{- $all := list -}}
{{- range $pair := list
  (list "K8S_NAMESPACE_NAME" "metadata.namespace")
  (list "K8S_POD_NAME" "metadata.name")
  (list "K8S_POD_UID" "metadata.uid")
  (list "K8S_NODE_NAME" "spec.nodeName")
  (list "K8S_CONTAINER_NAME" "")
  (list "K8S_APP_NAME" "metadata.labels['app.kubernetes.io/name']") -}}
{{- $name := first $pair -}}
{{- $path := last $pair -}}
{{- if has $name $names -}}
{{- else if $path -}}
{{- $all = append $all (dict "name" $name "valueFrom" (dict "fieldRef" (dict "fieldPath" $path))) -}}
{{- else -}}
{{- $all = append $all (dict "name" $name "value" "remora") -}}
{{- end -}}
{{- end -}}
{{- with $all }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Whole directories: what is mounted with subPath never changes. */}}
{{- define "remora.volumeMounts" -}}
{{- $paths := list "/etc/remora" "/var/run/secrets/remora" -}}
{{- range .Values.extraVolumeMounts -}}
{{- $path := trimSuffix "/" .mountPath -}}
{{- if has $path $paths -}}{{- fail (printf "extraVolumeMounts: something is mounted at %s already" $path) -}}{{- end -}}
{{- $paths = append $paths $path -}}
{{- end -}}
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

{{/* With Remora's user, unless the cluster chooses one. */}}
{{- define "remora.securityContext" -}}
{{- $user := dict -}}
{{- $id := .Values.runAs | default 64642 -}}
{{- if ne (toString $id) "none" -}}
{{- $user = dict "runAsUser" (int $id) "runAsGroup" (int $id) -}}
{{- end -}}
{{- toYaml (merge (dict) (.Values.securityContext | default dict) $user) -}}
{{- end -}}

{{/* Entries of `volumes`. Remora doesn't run as root: a mode of 0400 would keep it out, and no other container mounts
these volumes. 292 is 0444, which not every reader of YAML takes for the same. */}}
{{- define "remora.volumes" -}}
{{- $names := list "remora-config" "remora-secrets" -}}
{{- range .Values.extraVolumes -}}
{{- if has .name $names -}}{{- fail (printf "extraVolumes: the volume %s is there twice" .name) -}}{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
- name: remora-config
  configMap:
    name: {{ include "remora.configMapName" . }}
    defaultMode: 292
{{- with .Values.existingSecrets }}
- name: remora-secrets
  {{- if eq (len .) 1 }}
  {{- $one := first . }}
  secret:
    secretName: {{ $one.name }}
    defaultMode: 292
    {{- with omit $one "name" }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- else }}
  projected:
    defaultMode: 292
    sources:
      {{- range . }}
      - secret:
          {{- toYaml . | nindent 10 }}
      {{- end }}
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
