{{/* Names, labels, and what several templates decide alike. */}}

{{- define "acmezone.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters: suffixes, and "-0" of a pod, still fit into the 63 of a label. */}}
{{- define "acmezone.fullname" -}}
{{- $name := include "acmezone.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "acmezone.etcdName" -}}
{{- printf "%s-etcd" (include "acmezone.fullname" .) -}}
{{- end -}}

{{- define "acmezone.secretName" -}}
{{- include "acmezone.fullname" . -}}
{{- end -}}

{{- define "acmezone.serviceAccountName" -}}
{{- default (ternary (include "acmezone.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Selectors never change. Called with (list $ COMPONENT), as are the labels. */}}
{{- define "acmezone.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "acmezone.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "acmezone.labels" -}}
{{- $ := index . 0 -}}
{{ include "acmezone.selectorLabels" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The metadata of an object: (list $ COMPONENT NAME ANNOTATIONS). */}}
{{- define "acmezone.metadata" -}}
{{- $ := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $.Release.Namespace }}
labels:
  {{- include "acmezone.labels" (list $ (index . 1)) | nindent 2 }}
{{- with merge (dict) (index . 3 | default dict) $.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "acmezone.image" -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag }}{{- end -}}
{{- end -}}

{{/* "true" when replicas share an etcd. */}}
{{- define "acmezone.hasEtcd" -}}
{{- if or .Values.etcd.enabled .Values.etcd.endpoints -}}true{{- end -}}
{{- end -}}

{{/* "true" when pods need names that last: for their volume, or for a Service each. */}}
{{- define "acmezone.isStatefulSet" -}}
{{- if or (not (include "acmezone.hasEtcd" .)) .Values.dns.service.perReplica.enabled -}}true{{- end -}}
{{- end -}}

{{/* Members are called by their short names: the resolver's search list has the namespace first. */}}
{{- define "acmezone.etcdEndpoints" -}}
{{- if .Values.etcd.enabled -}}
{{- $name := include "acmezone.etcdName" . -}}
{{- range $i := until 3 -}}
{{- if $i }},{{ end -}}http://{{ $name }}-{{ $i }}.{{ $name }}:2379
{{- end -}}
{{- else -}}
{{- join "," .Values.etcd.endpoints -}}
{{- end -}}
{{- end -}}

{{- define "acmezone.hasApiTls" -}}
{{- if or .Values.api.tls.existingSecret .Values.api.tls.certificate.enabled -}}true{{- end -}}
{{- end -}}

{{- define "acmezone.apiTlsSecret" -}}
{{- default (printf "%s-api-tls" (include "acmezone.fullname" .)) .Values.api.tls.existingSecret -}}
{{- end -}}

{{- define "acmezone.apiPort" -}}
{{- default (ternary 443 80 (eq (include "acmezone.hasApiTls" .) "true")) .Values.api.service.port -}}
{{- end -}}

{{/* The zones as a JSON array, without trailing dots. */}}
{{- define "acmezone.domains" -}}
{{- $domains := .Values.config.general.domain -}}
{{- if kindIs "string" $domains -}}{{- $domains = splitList "," $domains -}}{{- end -}}
{{- $all := list -}}
{{- range $domains -}}{{- with trim . | trimSuffix "." | lower -}}{{- $all = append $all . -}}{{- end -}}{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- define "acmezone.ipFamilies" -}}
{{- with .Values.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* (list $ COMPONENT PRESET): keeps pods of one component apart. */}}
{{- define "acmezone.antiAffinity" -}}
{{- $ := index . 0 -}}
{{- if eq (index . 2) "hard" }}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "acmezone.selectorLabels" (list $ (index . 1)) | nindent 10 }}
{{- else if eq (index . 2) "soft" }}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "acmezone.selectorLabels" (list $ (index . 1)) | nindent 12 }}
{{- end }}
{{- end -}}

{{/* (list $ COMPONENT) */}}
{{- define "acmezone.topologySpread" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
{{- range $.Values.topologySpread.topologyKeys }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
  labelSelector:
    matchLabels:
      {{- include "acmezone.selectorLabels" (list $ $component) | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "acmezone.storageClass" -}}
{{- if . -}}
storageClassName: {{ ternary "" . (eq . "-") | quote }}
{{- end -}}
{{- end -}}

{{/* The pod of `helm test`, as a peer in a NetworkPolicy. */}}
{{- define "acmezone.testPeer" -}}
- podSelector:
    matchLabels:
      {{- include "acmezone.selectorLabels" (list . "test") | nindent 6 }}
{{- end -}}
