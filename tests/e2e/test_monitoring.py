# SPDX-License-Identifier: MIT
"""The alerts and the dashboard that come along: that they are sound, that they speak of metrics that exist, and that each
alert fires when it should and only then.
"""

import json
import re

import pytest
import yaml

from acmezone import CHEAP_ARGON2, ROOT, Acmezone
from certificates import Authority
from lab.etcd import Etcd
from lab.prometheus import RULES, Metrics, Prometheus, promtool
from lab.replicas import Replicas

DASHBOARD = ROOT / "deploy/grafana/acmezone.json"
ALERT_TESTS = ROOT / "tests/prometheus/alerts_test.yml"
NAME = re.compile(r"\b(?:acmezone|process)_\w+")


def alerts():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions_of_dashboard():
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


@pytest.fixture(scope="module", name="told")
def fixture_told(tmp_path_factory):
    """All names that a server with a certificate and a replica tell."""
    folder = tmp_path_factory.mktemp("told")
    chain, key, _ = Authority(folder / "ca").issue(dates=("-days", 1))
    (folder / "chain.pem").write_text(chain)
    (folder / "key.pem").write_text(key)
    (folder / "key.pem").chmod(0o600)
    tls = {"tls": "cert", "tls_cert_fullchain": str(folder / "chain.pem"), "tls_cert_privkey": str(folder / "key.pem")}
    with Acmezone(folder, api={**CHEAP_ARGON2, **tls}) as server, Etcd(n_members=1) as etcd, \
            Replicas(tmp_path_factory.mktemp("replicas"), etcd, n=1) as (replica,):
        with Prometheus(folder, [server.metrics, replica.metrics]) as prometheus:
            prometheus.wait_for("count(acmezone_build_info) == 2")
            names = Metrics(server.metrics).names | Metrics(replica.metrics).names
            yield names, prometheus


# The alerts

def test_promtool_finds_nothing_wrong_with_the_alerts():
    result = promtool("check", "rules", RULES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_alert_fires_when_it_should_and_does_not_when_it_should_not():
    result = promtool("test", "rules", ALERT_TESTS)
    assert result.returncode == 0, result.stdout + result.stderr


def test_there_is_a_case_that_fires_and_one_that_does_not_for_each_alert_and_severity():
    cases = [case for test in yaml.safe_load(ALERT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    fire = {(case["alertname"], alert["exp_labels"]["severity"]) for case in cases for alert in case["exp_alerts"]}
    rest = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fire == {(alert["alert"], alert["labels"]["severity"]) for alert in alerts()}
    assert rest == {alert["alert"] for alert in alerts()}


def test_every_metric_of_the_alerts_is_told_by_a_server(told):
    names, _ = told
    used = {name for alert in alerts() for name in NAME.findall(alert["expr"])}
    assert used and used <= names, used - names


def test_a_real_prometheus_evaluates_all_alerts(told):
    _, prometheus = told
    prometheus.wait_for("prometheus_rule_group_iterations_total or vector(1)")

    def rules():
        return [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    assert len(rules()) == len(alerts())
    assert {rule["health"] for rule in rules()} <= {"ok", "unknown"}, rules()
    assert not any(rule.get("lastError") for rule in rules())


def test_a_certificate_with_a_day_left_is_seen_by_the_alert_of_the_highest_severity(told):
    _, prometheus = told
    ((labels, _),) = prometheus.wait_for('ALERTS{alertname="AcmezoneCertificateExpiring"}')
    assert labels["severity"] == "emergency" and labels["alertstate"] in ("pending", "firing")


# The dashboard

def test_every_metric_of_the_dashboard_is_told_by_a_server(told):
    names, _ = told
    used = {name for expression in expressions_of_dashboard() for name in NAME.findall(expression)}
    assert len(used) > 40 and used <= names, used - names


def test_every_metric_that_is_told_can_be_seen_in_the_dashboard(told):
    names, _ = told
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    text = " ".join(expressions_of_dashboard())
    quiet = {"acmezone_dns_workers", "process_start_time_seconds", "process_virtual_memory_bytes",
             "acmezone_replica_got_in_step_total", "acmezone_replica_snapshots_total",
             "acmezone_replica_announcements_total", "acmezone_etcd_sign_ins_total", "acmezone_etcd_watches_total"}
    assert {name for name in families if name not in text} - quiet == set()


def test_a_real_prometheus_understands_every_expression_of_the_dashboard(told):
    _, prometheus = told
    for expression in expressions_of_dashboard():
        concrete = expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")
        assert "$" not in concrete
        prometheus.query(concrete)


def test_panels_do_not_overlap_and_have_titles_and_the_chosen_data_source():
    cells = set()
    for panel in panels():
        place = panel["gridPos"]
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
               for y in range(place["y"], place["y"] + place["h"])}
        assert panel["title"] and not own & cells and max(x for x, _ in own) < 24
        cells |= own
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in panels()}) == len(panels())
