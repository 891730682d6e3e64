# SPDX-License-Identifier: MIT
"""Proves that what the rendered objects say of each other is true: selectors, ports, volumes, secrets, addresses.

No schema can tell: a Service whose selector matches no pod is as valid as any.
"""
import re

import pytest
import yaml

from chart import NAMESPACE, SETS, Release

# Secrets that value sets name and that the reader of the chart makes.
SECRETS_OF_OTHERS = {
    "external-etcd": {"acmezone-tokens": {"registration-tokens"}, "acmezone-etcd": {"password"},
                      "acmezone-cookies": {"cookie-secret", "cookie-secret-other"},
                      "acmezone-etcd-tls": {"ca.crt", "tls.crt", "tls.key"}, "registry": set()},
    "per-replica": {"acmezone-api-tls": {"tls.crt", "tls.key"}},
    "single": {"acmezone-ingress": set()},
}


@pytest.fixture(params=SETS)
def name(request):
    return request.param


@pytest.fixture
def release(name, releases):
    return releases[name]


def ports_of(spec):
    """The ports of a pod: {name: (number, protocol)}."""
    return {port["name"]: (port["containerPort"], port.get("protocol", "TCP"))
            for container in spec["containers"] for port in container.get("ports", [])}


def walk(item):
    """Every dict in an object."""
    if isinstance(item, dict):
        yield item
    for child in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from walk(child)


def test_everything_lies_in_the_namespace_and_carries_its_labels(release):
    for item in release.objects:
        if item["metadata"]["name"].endswith("-more"):
            continue
        labels = item["metadata"]["labels"]
        assert item["metadata"]["namespace"] == NAMESPACE
        assert labels["app.kubernetes.io/name"] == "acmezone" and labels["app.kubernetes.io/managed-by"] == "Helm"


def test_names_are_unique_and_short(release):
    names = [(item["kind"], item["metadata"]["name"]) for item in release.objects]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for _, name in names)


def test_long_names_still_fit_into_labels():
    release = Release("-f", SETS["bundled-etcd"], "--set", f"fullnameOverride={'n' * 63},dns.service.perReplica.enabled=true"
                      ",nameservers=null,dns.service.split=true")
    assert all(len(name) <= 63 for name in [pod[0] for pod in release.pods()] + [i["metadata"]["name"] for i in release.objects])


def test_workloads_select_their_own_pods_and_no_others(release):
    for item in release.all("Deployment", "StatefulSet"):
        selected = {pod[0] for pod in release.selected(item["spec"]["selector"]["matchLabels"])}
        assert selected == {f"{item['metadata']['name']}-{i}" for i in range(item["spec"]["replicas"])}


def test_services_lead_to_open_ports_of_the_pods_they_select(release):
    for service in release.all("Service"):
        pods = release.selected(service["spec"]["selector"])
        assert pods and len({labels["app.kubernetes.io/component"] for _, labels, _ in pods}) == 1
        for port in service["spec"]["ports"]:
            for _, _, spec in pods:
                assert ports_of(spec)[port["targetPort"]][1] == port.get("protocol", "TCP")


def test_dns_is_reached_on_port_53_of_both_transports(name, release):
    reached = [(service["spec"].get("loadBalancerIP"), port["port"], port["protocol"])
               for service in release.all("Service") for port in service["spec"]["ports"] if port["name"].startswith("dns-")]
    n_addresses = 2 if name == "per-replica" else 1
    assert len(set(reached)) == len(reached) == 2 * n_addresses
    assert {(port, protocol) for _, port, protocol in reached} == {(53, "UDP"), (53, "TCP")}


def test_dns_services_keep_the_clients_addresses_unless_told_otherwise(name, release):
    policies = {service["spec"].get("externalTrafficPolicy") for service in release.all("Service")
                if "-dns" in service["metadata"]["name"]}
    assert policies == {"Cluster" if name == "external-etcd" else "Local"}


def test_per_replica_each_service_leads_to_one_replica(releases):
    release = releases["per-replica"]
    leads = [[pod[0] for pod in release.selected(service["spec"]["selector"])] for service in release.all("Service")
             if "-dns-" in service["metadata"]["name"]]
    assert leads == [["acme-acmezone-0"], ["acme-acmezone-1"]]


@pytest.mark.parametrize("name_of_set, kind, replicas, engine", [
    ("minimal", "StatefulSet", 1, "lmdb"), ("single", "StatefulSet", 1, "lmdb"), ("external-etcd", "Deployment", 3, "etcd"),
    ("bundled-etcd", "Deployment", 3, "etcd"), ("per-replica", "StatefulSet", 2, "etcd")])
def test_kind_and_store_follow_from_the_values(releases, name_of_set, kind, replicas, engine):
    release = releases[name_of_set]
    workload, _ = release.server()
    assert (workload["kind"], workload["spec"]["replicas"]) == (kind, replicas)
    assert f'engine = "{engine}"' in release.config()
    has_claim = "volumeClaimTemplates" in workload["spec"]
    assert has_claim == (engine == "lmdb")


def test_stateful_sets_name_their_headless_service(release):
    for item in release.all("StatefulSet"):
        service = release.find("Service", item["spec"]["serviceName"])
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"] == item["spec"]["selector"]["matchLabels"]


def test_policies_budgets_and_affinities_select_pods(release):
    selectors = [item["matchLabels"] for item in walk(release.objects)
                 if "matchLabels" in item and any("app.kubernetes.io" in label for label in item["matchLabels"])]
    assert selectors and all(release.selected(selector) for selector in selectors)


def test_network_policies_name_ports_the_pods_have(release):
    for policy in release.all("NetworkPolicy"):
        for _, _, spec in release.selected(policy["spec"]["podSelector"]["matchLabels"]):
            for rule in policy["spec"]["ingress"]:
                for port in rule["ports"]:
                    assert ports_of(spec)[port["port"]][1] == port["protocol"]


def test_network_policies_let_the_server_reach_etcd(release):
    wanted = {int(port) for port in re.findall(r"https?://[^,\"]+:(\d+)", release.config())}
    policy = release.find("NetworkPolicy", release.server()[0]["metadata"]["name"])
    allowed = {port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])}
    assert wanted <= allowed and allowed == (wanted | {53} if wanted else set())


def test_metrics_of_every_pod_are_found_ready_or_not(release):
    service, = [item for item in release.all("Service") if item["metadata"]["name"].endswith("-metrics")]
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"] is True
    assert len(release.selected(service["spec"]["selector"])) == release.server()[0]["spec"]["replicas"]
    assert ports_of(release.server()[0]["spec"]["template"]["spec"])["metrics"] == (9153, "TCP")
    assert '":9153"' in release.config()
    for monitor in release.all("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        watched = [item for item in release.all("Service") if wanted <= item["metadata"]["labels"].items()
                   and {port["name"] for port in item["spec"]["ports"]} & {one["port"] for one in monitor["spec"]["endpoints"]}]
        assert watched == [service]


def test_monitor_and_alerts_are_made_when_asked_for_only(releases):
    for name, release in releases.items():
        kinds = {item["kind"] for item in release.all("ServiceMonitor", "PrometheusRule")}
        assert kinds == ({"ServiceMonitor", "PrometheusRule"} if name == "external-etcd" else set())


def test_without_metrics_nothing_of_them_is_left():
    release = Release("-f", SETS["minimal"], "--set", "metrics.enabled=false,metrics.serviceMonitor.enabled=true")
    assert "9153" not in yaml.safe_dump(release.objects) and not release.all("ServiceMonitor")
    assert re.search(r"\[metrics\]\nlisten = \[\n\]", release.config())


def test_query_log_and_audit_log_are_options_like_any(releases):
    assert "[querylog]" not in releases["minimal"].config()
    release = Release("-f", SETS["minimal"], "--set", "config.querylog.sample=100,config.audit.enabled=true")
    assert "[querylog]\nsample = 100" in release.config() and "[audit]\nenabled = true" in release.config()


def test_budgets_are_made_for_several_replicas_only(release):
    budgets = {budget["metadata"]["name"] for budget in release.all("PodDisruptionBudget")}
    assert budgets == {item["metadata"]["name"] for item in release.all("Deployment", "StatefulSet") if item["spec"]["replicas"] > 1}


def test_routes_lead_to_the_api(release):
    for item in release.all("Ingress"):
        for path in (path for rule in item["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            service = release.find("Service", backend["name"])
            assert backend["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    for item in release.all("HTTPRoute"):
        for backend in item["spec"]["rules"][0]["backendRefs"]:
            service = release.find("Service", backend["name"])
            assert backend["port"] in [port["port"] for port in service["spec"]["ports"]]


def test_config_maps_and_secrets_that_are_named_exist_with_their_keys(name, release):
    held = dict(SECRETS_OF_OTHERS.get(name, {}))
    held |= {item["spec"]["secretName"]: {"tls.crt", "tls.key"} for item in release.all("Certificate")}
    held |= {item["metadata"]["name"]: set(item["stringData"]) for item in release.all("Secret")}
    named = set()
    for item in walk(release.objects):
        if "secretKeyRef" in item:
            assert item["secretKeyRef"]["key"] in held[item["secretKeyRef"]["name"]]
            named.add(item["secretKeyRef"]["name"])
        if "secretName" in item:
            assert {entry["key"] for entry in item.get("items", [])} <= held[item["secretName"]]
            named.add(item["secretName"])
        named |= {entry["name"] for entry in item.get("imagePullSecrets", [])}
        if "configMap" in item:
            assert release.find("ConfigMap", item["configMap"]["name"])
    assert named == set(held)


def test_volumes_and_their_mounts_fit(release):
    for item in release.all("Deployment", "StatefulSet"):
        spec = item["spec"]["template"]["spec"]
        volumes = [volume["name"] for volume in spec.get("volumes", [])]
        volumes += [claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])]
        mounts = [mount["name"] for container in spec["containers"] for mount in container.get("volumeMounts", [])]
        assert sorted(volumes) == sorted(mounts)


def test_files_the_config_names_are_mounted(release):
    workload, container = release.server()
    volumes = {volume["name"]: volume for volume in workload["spec"]["template"]["spec"]["volumes"]}
    files = {f"{mount['mountPath']}/{entry['path']}" for mount in container["volumeMounts"]
             for entry in volumes.get(mount["name"], {}).get("secret", {}).get("items", [])}
    assert files == set(re.findall(r'"(/etc/[^"]+)"', release.config()))
    directories = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(re.findall(r'^(?:path|connection) = "(/[^"]+)"', release.config(), re.MULTILINE)) <= directories
    assert container["args"][-1].rpartition("/")[0] in directories


def test_probes_ask_the_api_by_the_protocol_it_speaks(release):
    _, container = release.server()
    scheme = "HTTPS" if 'tls = "cert"' in release.config() else "HTTP"
    asked = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: probe["path"] for kind, probe in asked.items()} == {"startup": "/health", "liveness": "/health",
                                                                     "readiness": "/ready"}
    assert {(probe["port"], probe.get("scheme", "HTTP")) for probe in asked.values()} == {("api", scheme)}


def test_ports_of_the_config_are_those_of_the_pod(release):
    ports = ports_of(release.server()[0]["spec"]["template"]["spec"])
    assert ports["dns-udp"] == (5353, "UDP") and ports["dns-tcp"] == (5353, "TCP") and ports["api"] == (8080, "TCP")
    assert '":5353"' in release.config() and "port = 8080" in release.config()


def test_secrets_stand_in_secrets_only(release):
    for secret in release.all("Secret"):
        for value in secret["stringData"].values():
            rest = [item for item in release.objects if item is not secret]
            assert value not in yaml.safe_dump(rest) and value.split(":")[-1] not in yaml.safe_dump(rest)


def test_no_pod_may_more_than_the_restricted_standard_allows(release):
    for _, _, spec in release.pods():
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] == 65532
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for container in spec["containers"] + spec.get("initContainers", []):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}


def annotations(*args):
    return Release(*args).server()[0]["spec"]["template"]["metadata"]["annotations"]


def test_pods_are_replaced_when_config_or_secrets_change():
    before = annotations("-f", SETS["single"])
    config = annotations("-f", SETS["single"], "--set", "config.general.txt_ttl=1")
    secret = annotations("-f", SETS["single"], "--set", "registration.tokens.shop=0123456789abcdef")
    assert before["checksum/config"] != config["checksum/config"] and before["checksum/secret"] == config["checksum/secret"]
    assert before["checksum/secret"] != secret["checksum/secret"] and before["checksum/config"] == secret["checksum/config"]


def test_every_service_is_dual_stack_when_asked(releases):
    for service in releases["external-etcd"].all("Service"):
        assert service["spec"]["ipFamilyPolicy"] == "RequireDualStack" and service["spec"]["ipFamilies"] == ["IPv6", "IPv4"]


def test_etcd_members_are_the_pods_that_config_and_members_name(releases):
    release = releases["bundled-etcd"]
    etcd = next(item for item in release.all("StatefulSet") if item["spec"]["replicas"] == 3)
    hosts = [f"{etcd['metadata']['name']}-{i}.{etcd['spec']['serviceName']}" for i in range(3)]
    assert re.search(r'connection = "(.*)"', release.config()).group(1) == ",".join(f"http://{host}:2379" for host in hosts)
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in etcd["spec"]["template"]["spec"]["containers"][0]["args"])
    assert flags["initial-cluster"] == ",".join(f"{host.split('.')[0]}=http://{host}:2380" for host in hosts)
    service = release.find("Service", etcd["spec"]["serviceName"])
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == {"client": 2379, "peer": 2380}


def test_settings_of_a_replicas_service_stay_with_it(releases):
    services = [item for item in releases["per-replica"].all("Service") if "-dns-" in item["metadata"]["name"]]
    assert [item["spec"]["loadBalancerIP"] for item in services] == ["198.51.100.1", "198.51.100.2"]
    assert [item["metadata"]["annotations"] for item in services] == [
        {"example.org/pool": "dns", "example.org/name": "ns1"}, {"example.org/pool": "dns"}]


def test_hard_anti_affinity_leaves_room_for_an_update(releases):
    """With as many nodes as replicas, a new pod finds no node before an old one has gone."""
    strategy = releases["external-etcd"].server()[0]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 0, "maxUnavailable": 1}
