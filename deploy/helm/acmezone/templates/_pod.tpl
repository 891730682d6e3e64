{{/* The pod of the server, alike in a Deployment and in a StatefulSet. */}}

{{- define "acmezone.env" -}}
{{- $ownSecret := include "acmezone.secretName" . -}}
{{- $registration := .Values.registration -}}
{{- if or $registration.tokens $registration.existingSecret }}
- name: ACMEZONE_API_REGISTRATION_TOKENS
  valueFrom:
    secretKeyRef:
      name: {{ default $ownSecret $registration.existingSecret }}
      key: {{ ternary "registration-tokens" $registration.existingSecretKey (empty $registration.existingSecret) }}
{{- end }}
{{- $cookies := .Values.cookies -}}
{{- if or $cookies.secret $cookies.existingSecret }}
- name: ACMEZONE_GENERAL_COOKIE_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ default $ownSecret $cookies.existingSecret }}
      key: {{ ternary "cookie-secret" $cookies.existingSecretKey (empty $cookies.existingSecret) }}
{{- end }}
{{- if or $cookies.otherSecret $cookies.existingSecret }}
- name: ACMEZONE_GENERAL_COOKIE_SECRET_OTHER
  valueFrom:
    secretKeyRef:
      name: {{ default $ownSecret $cookies.existingSecret }}
      key: {{ ternary "cookie-secret-other" $cookies.existingSecretOtherKey (empty $cookies.existingSecret) }}
      {{- if $cookies.existingSecret }}
      optional: true
      {{- end }}
{{- end }}
{{- if .Values.etcd.username }}
- name: ACMEZONE_DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ default $ownSecret .Values.etcd.existingSecret }}
      key: {{ ternary "etcd-password" .Values.etcd.existingSecretKey (empty .Values.etcd.existingSecret) }}
{{- end }}
{{- if include "acmezone.hasEtcd" . }}
- name: ACMEZONE_DATABASE_REPLICA_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (list $ PATH TIMING) */}}
{{- define "acmezone.probe" -}}
{{- $ := index . 0 -}}
httpGet:
  path: {{ index . 1 }}
  port: api
  {{- if include "acmezone.hasApiTls" $ }}
  scheme: HTTPS
  {{- end }}
{{ toYaml (index . 2) }}
{{- end -}}

{{- define "acmezone.volumes" -}}
- name: config
  configMap:
    name: {{ include "acmezone.fullname" . }}
{{- if include "acmezone.hasEtcd" . }}
- name: data
  emptyDir:
    sizeLimit: {{ .Values.etcd.localCopySize }}
{{- else if not .Values.persistence.enabled }}
- name: data
  emptyDir: {}
{{- else if .Values.persistence.existingClaim }}
- name: data
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim }}
{{- end }}
{{- if include "acmezone.hasApiTls" . }}
- name: api-tls
  secret:
    secretName: {{ include "acmezone.apiTlsSecret" . }}
    defaultMode: 0440 # a key that others can read is refused
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
{{- end }}
{{- with .Values.etcd.tls }}
{{- if .existingSecret }}
- name: etcd-tls
  secret:
    secretName: {{ .existingSecret }}
    items:
      - {key: ca.crt, path: ca.crt}
      {{- if .clientCertificate }}
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "acmezone.container" -}}
name: acmezone
image: {{ include "acmezone.image" (dict "repository" .Values.image.repository "digest" .Values.image.digest "tag" (default .Chart.AppVersion .Values.image.tag)) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve, -c, /etc/acmezone/config.cfg]
{{- with include "acmezone.env" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
ports:
  - {name: dns-udp, containerPort: 5353, protocol: UDP}
  - {name: dns-tcp, containerPort: 5353, protocol: TCP}
  - {name: api, containerPort: 8080, protocol: TCP}
  {{- if .Values.metrics.enabled }}
  - {name: metrics, containerPort: 9153, protocol: TCP}
  {{- end }}
startupProbe:
  {{- include "acmezone.probe" (list . "/health" .Values.startupProbe) | nindent 2 }}
livenessProbe:
  {{- include "acmezone.probe" (list . "/health" .Values.livenessProbe) | nindent 2 }}
readinessProbe:
  {{- include "acmezone.probe" (list . "/ready" .Values.readinessProbe) | nindent 2 }}
{{- if and .Values.preStopSleepSeconds (gt (int .Values.replicaCount) 1) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .Values.preStopSleepSeconds }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/acmezone, readOnly: true}
  - {name: data, mountPath: /var/lib/acmezone}
  {{- if include "acmezone.hasApiTls" . }}
  - {name: api-tls, mountPath: /etc/acmezone-tls/api, readOnly: true}
  {{- end }}
  {{- if .Values.etcd.tls.existingSecret }}
  - {name: etcd-tls, mountPath: /etc/acmezone-tls/etcd, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "acmezone.pod" -}}
metadata:
  labels:
    {{- include "acmezone.selectorLabels" (list . "server") | nindent 4 }}
    {{- with merge (dict) .Values.podLabels .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "acmezone.config" . | sha256sum }}
    {{- with include "acmezone.secrets" . }}
    checksum/secret: {{ . | sha256sum }}
    {{- end }}
    {{- with merge (dict) .Values.podAnnotations .Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "acmezone.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "acmezone.container" . | nindent 6 | trim }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "acmezone.volumes" . | nindent 4 }}
  {{- with .Values.affinity | default (include "acmezone.antiAffinity" (list . "server" .Values.podAntiAffinityPreset) | fromYaml) }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "acmezone.topologySpread" (list . "server") | trim }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- range $key := list "nodeSelector" "tolerations" "priorityClassName" "runtimeClassName" "dnsPolicy" "dnsConfig" "hostAliases" }}
  {{- with get $.Values $key }}
  {{- toYaml (dict $key .) | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}
