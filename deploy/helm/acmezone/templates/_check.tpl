{{/* Values that are sound each by itself but not together. Every message says what to set. */}}
{{- define "acmezone.check" -}}
{{- $etcd := .Values.etcd -}}
{{- $url := join " " $etcd.endpoints -}}
{{- if not (include "acmezone.domains" . | fromJsonArray) }}
{{- fail "config.general.domain must be given: the zone that is served, such as auth.example.org" }}
{{- end }}
{{- if not .Values.image.repository }}
{{- fail "image.repository must be given: build the image with `make image`, push it, and name it here without its tag" }}
{{- end }}
{{- if and $etcd.enabled $etcd.endpoints }}
{{- fail "etcd.enabled brings a new cluster, etcd.endpoints names one that is there: set only one of them" }}
{{- end }}
{{- if and (gt (int .Values.replicaCount) 1) (not (include "acmezone.hasEtcd" .)) }}
{{- fail (printf "replicaCount: %d needs an etcd that the replicas share: set etcd.endpoints to an existing cluster, or etcd.enabled=true for a new one; without either, replicaCount must be 1" (int .Values.replicaCount)) }}
{{- end }}
{{- if and $etcd.enabled (or $etcd.username $etcd.password $etcd.existingSecret $etcd.tls.existingSecret) }}
{{- fail "etcd.username, password, existingSecret and tls are for etcd.endpoints; the cluster of etcd.enabled has neither passwords nor TLS" }}
{{- end }}
{{- if and (not (include "acmezone.hasEtcd" .)) (or $etcd.username $etcd.password $etcd.existingSecret $etcd.tls.existingSecret) }}
{{- fail "etcd.username, password, existingSecret and tls have no effect without etcd.endpoints" }}
{{- end }}
{{- if ne (not $etcd.username) (not (or $etcd.password $etcd.existingSecret)) }}
{{- fail "etcd.username and its password (etcd.password or etcd.existingSecret) go together" }}
{{- end }}
{{- if and $etcd.password $etcd.existingSecret }}
{{- fail "set etcd.password or etcd.existingSecret, not both" }}
{{- end }}
{{- if and (contains "https://" $url) (contains "http://" $url) }}
{{- fail "etcd.endpoints mixes http and https" }}
{{- end }}
{{- if and $etcd.endpoints (ne (contains "https://" $url) (ne $etcd.tls.existingSecret "")) }}
{{- fail "https in etcd.endpoints and etcd.tls.existingSecret (with ca.crt, which the image does not bring) go together" }}
{{- end }}
{{- if and .Values.registration.tokens .Values.registration.existingSecret }}
{{- fail "set registration.tokens or registration.existingSecret, not both" }}
{{- end }}
{{- if and (or .Values.cookies.secret .Values.cookies.otherSecret) .Values.cookies.existingSecret }}
{{- fail "set cookies.secret or cookies.existingSecret, not both" }}
{{- end }}
{{- if and .Values.cookies.otherSecret (not .Values.cookies.secret) }}
{{- fail "cookies.otherSecret has no use without cookies.secret" }}
{{- end }}
{{- if and .Values.api.tls.existingSecret .Values.api.tls.certificate.enabled }}
{{- fail "set api.tls.existingSecret or api.tls.certificate.enabled, not both" }}
{{- end }}
{{- if and .Values.api.tls.certificate.enabled (not (and .Values.api.tls.certificate.dnsNames .Values.api.tls.certificate.issuerRef.name)) }}
{{- fail "api.tls.certificate needs dnsNames and issuerRef.name" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs" }}
{{- end }}
{{- if and .Values.dns.service.perReplica.enabled .Values.nameservers (ne (len .Values.nameservers) (int .Values.replicaCount)) }}
{{- fail (printf "dns.service.perReplica gives each of the %d replicas an address of its own, but nameservers has %d entries" (int .Values.replicaCount) (len .Values.nameservers)) }}
{{- end }}
{{- if le (int .Values.terminationGracePeriodSeconds) (int .Values.preStopSleepSeconds) }}
{{- fail "terminationGracePeriodSeconds must be more than preStopSleepSeconds" }}
{{- end }}
{{- end -}}
