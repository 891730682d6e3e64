{{/*
The config file. The chart adds what follows from other values to what `config` holds, then every section is written as
TOML. Secrets are not in it: the program takes them from the environment.
*/}}

{{/* The records of the name servers, one a line: their NS in each zone, and the addresses of names inside a zone. */}}
{{- define "acmezone.nameserverRecords" -}}
{{- $domains := include "acmezone.domains" . | fromJsonArray -}}
{{- range $domain := $domains }}
{{- range $.Values.nameservers }}
{{ $domain }}. NS {{ trimSuffix "." .name }}.
{{- end }}
{{- end }}
{{- range $server := .Values.nameservers }}
{{- $name := trimSuffix "." .name | lower }}
{{- $isInside := false }}
{{- range $domains }}{{- if or (eq $name .) (hasSuffix (printf ".%s" .) $name) }}{{- $isInside = true }}{{- end }}{{- end }}
{{- if $isInside }}
{{- if not .addresses }}
{{- fail (printf "nameservers: %s is inside a zone that is served, so it needs addresses" $name) }}
{{- end }}
{{- range .addresses }}
{{ $name }}. {{ ternary "AAAA" "A" (contains ":" .) }} {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "acmezone.tomlValue" -}}
{{- if kindIs "string" . -}}
{{- toRawJson . -}}
{{- else if kindIs "bool" . -}}
{{- . -}}
{{- else if kindIs "slice" . -}}
[
{{- range . }}
    {{ toRawJson . }},
{{- end }}
]
{{- else -}}
{{- int64 . -}}
{{- end -}}
{{- end -}}

{{- define "acmezone.config" -}}
{{- $sections := deepCopy .Values.config -}}
{{- range $name := list "general" "database" "api" "logconfig" "metrics" "querylog" "audit" -}}
{{- if not (get $sections $name) -}}{{- $_ := set $sections $name dict -}}{{- end -}}
{{- end -}}
{{- $general := $sections.general -}}
{{- $_ := set $general "listen" (list ":5353") -}}
{{- with .Values.nameservers -}}
{{- if not $general.nsname -}}{{- $_ := set $general "nsname" ((index . 0).name | trimSuffix ".") -}}{{- end -}}
{{- $given := $general.records | default list -}}
{{- if kindIs "string" $given -}}{{- $given = list $given -}}{{- end -}}
{{- $made := include "acmezone.nameserverRecords" $ | trim | splitList "\n" -}}
{{- $_ := set $general "records" (concat $made $given) -}}
{{- end -}}
{{- $database := $sections.database -}}
{{- if include "acmezone.hasEtcd" . -}}
{{- $_ := set $database "engine" "etcd" -}}
{{- $_ := set $database "connection" (include "acmezone.etcdEndpoints" .) -}}
{{- $_ := set $database "path" "/var/lib/acmezone" -}}
{{- with .Values.etcd.username -}}{{- $_ := set $database "username" . -}}{{- end -}}
{{- if .Values.etcd.tls.existingSecret -}}
{{- $_ := set $database "tls_ca" "/etc/acmezone-tls/etcd/ca.crt" -}}
{{- if .Values.etcd.tls.clientCertificate -}}
{{- $_ := set $database "tls_cert" "/etc/acmezone-tls/etcd/tls.crt" -}}
{{- $_ := set $database "tls_key" "/etc/acmezone-tls/etcd/tls.key" -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- $_ := set $database "engine" "lmdb" -}}
{{- $_ := set $database "connection" "/var/lib/acmezone" -}}
{{- end -}}
{{- $_ := set $sections.api "port" 8080 -}}
{{- if include "acmezone.hasApiTls" . -}}
{{- $_ := set $sections.api "tls" "cert" -}}
{{- $_ := set $sections.api "tls_cert_fullchain" "/etc/acmezone-tls/api/tls.crt" -}}
{{- $_ := set $sections.api "tls_cert_privkey" "/etc/acmezone-tls/api/tls.key" -}}
{{- end -}}
{{- $_ := set $sections.metrics "listen" (ternary (list ":9153") list .Values.metrics.enabled) -}}
{{- range $name := list "general" "database" "api" "logconfig" "metrics" "querylog" "audit" }}
{{- if get $sections $name }}
[{{ $name }}]
{{- $section := get $sections $name }}
{{- range $key := keys $section | sortAlpha }}
{{- $value := get $section $key }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }} = {{ include "acmezone.tomlValue" $value }}
{{- end }}
{{- end }}
{{ end }}
{{- end }}
{{- end -}}

{{/* What the chart's own Secret holds, as YAML. Empty when there is nothing to hold. */}}
{{- define "acmezone.secrets" -}}
{{- with .Values.registration.tokens }}
{{- $tokens := list }}
{{- range $name := keys . | sortAlpha }}{{- $tokens = append $tokens (printf "%s:%s" $name (get $.Values.registration.tokens $name)) }}{{- end }}
registration-tokens: {{ join "," $tokens | quote }}
{{- end }}
{{- with .Values.cookies.secret }}
cookie-secret: {{ . | quote }}
{{- end }}
{{- with .Values.cookies.otherSecret }}
cookie-secret-other: {{ . | quote }}
{{- end }}
{{- with .Values.etcd.password }}
etcd-password: {{ . | toRawJson }}
{{- end }}
{{- end -}}
