# SPDX-License-Identifier: MIT
"""What Prometheus is told: that it is sound, that it is true, and where it is to be had."""

import re
import socket
import time

import pytest
import requests

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, run, wait_until, write_config
from certificates import Authority
from lab.etcd import Etcd
from lab.prometheus import Metrics, Prometheus, promtool, scrape
from lab.replicas import Replicas
from wire import TYPE_A, header, query_bytes, udp_exchange, udp_socket

TXT = "x" * 43
EVERYWHERE = {"listen": ["127.0.0.1:0", "[::1]:0"]}


def expect_sound(text):
    """promtool finds nothing to say, and each metric has HELP and TYPE right in front of it."""
    result = promtool("check", "metrics", text=text)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
    blocks = re.split(r"^# HELP ", text, flags=re.M)[1:]
    for block in blocks:
        (name, help_), (_, _, typed, kind) = block.splitlines()[0].split(" ", 1), block.splitlines()[1].split(" ")
        assert help_.endswith(".") and typed == name and kind in ("counter", "gauge", "histogram")
        samples = block.splitlines()[2:]
        assert samples and all(line.startswith(name) for line in samples)
        assert name.startswith(("acmezone_", "process_"))


# Where and how

def test_metrics_are_served_on_every_address_told_at_start(tmp_path):
    with Acmezone(tmp_path, metrics=EVERYWHERE) as server:
        urls = server.events_named("serve.ready")[0]["metrics"].split(",")
        assert [url.rpartition(":")[0] for url in urls] == ["http://127.0.0.1", "http://[::1]"]
        for url in urls:
            answer = requests.get(f"{url}/metrics", timeout=10)
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert "acmezone_build_info" in answer.text
        assert requests.head(f"{urls[0]}/metrics", timeout=10).status_code == 200
        assert requests.get(f"{urls[0]}/", timeout=10).status_code == 404
        refused = requests.post(f"{urls[0]}/metrics", timeout=10)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
        assert requests.get(f"{server.api}/metrics", timeout=10).status_code == 404


@pytest.mark.parametrize("listen", ["", []], ids=["text", "list"])
def test_an_empty_address_means_no_metrics(tmp_path, listen):
    with Acmezone(tmp_path, metrics={"listen": listen}) as server:
        assert server.events_named("serve.ready")[0]["metrics"] == "off"
        assert server.query(f"{ZONE}.", "A").answer


def test_a_port_in_use_that_was_asked_for_is_one_clear_line_and_exit_1(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("-c", write_config(tmp_path, metrics={"listen": address}))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert address in line and "Address already in use" in line


def test_a_default_port_in_use_is_a_warning_and_dns_is_served(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 9153))
            taken.listen()
        except OSError:
            pass  # somebody else has it: just as good
        with Acmezone(tmp_path, metrics={"listen": None}) as server:
            (warning,) = server.events_named("serve.cannot_bind")
            assert (warning["level"], warning["address"]) == ("warn", "127.0.0.1:9153")
            assert server.events_named("serve.ready")[0]["metrics"] == "off"
            assert server.query(f"{ZONE}.", "A").answer


@pytest.mark.parametrize("listen", ["localhost:9153", "127.0.0.1", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_told_with_its_place(tmp_path, listen):
    result = run("-c", write_config(tmp_path, metrics={"listen": listen}))
    assert result.returncode == 2
    assert "[metrics] listen" in result.stderr and f'"{listen}"' in result.stderr


def test_a_client_who_sends_nothing_keeps_nobody_from_scraping(tmp_path):
    with Acmezone(tmp_path) as server:
        host, port = server.metrics.removeprefix("http://").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(20)]
        assert Metrics(server.metrics)["acmezone_build_info", "version=0.1.0", "engine=lmdb"] == 1
        for one in silent:
            one.close()


# What is told

def test_what_is_told_is_sound_and_every_counter_is_in_it(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        expect_sound(scrape(server.metrics))


def test_dns_is_told_by_transport_type_and_rcode(tmp_path):
    name = "acmezone_dns_responses_total"
    with Acmezone(tmp_path, general={"workers": 2}, api=CHEAP_ARGON2) as server:
        account = server.register()
        for _ in range(3):
            server.query(account["fulldomain"], "TXT")
        server.query(f"nothing.{ZONE}.", "A", tcp=True)
        server.query("example.com.", "CAA")
        server.query(f"{ZONE}.", "TYPE999")
        udp_exchange(server.dns, header(7, qd=2))  # and none is there
        metrics = Metrics(server.metrics)
        assert metrics["acmezone_dns_queries_total", "transport=udp"] == 6
        assert metrics["acmezone_dns_queries_total", "transport=tcp"] == 1
        assert metrics[name, "transport=udp", "type=TXT", "rcode=NOERROR"] == 3
        assert metrics[name, "transport=tcp", "type=A", "rcode=NXDOMAIN"] == 1
        assert metrics[name, "transport=udp", "type=CAA", "rcode=REFUSED"] == 1
        assert metrics[name, "transport=udp", "type=other", "rcode=NOERROR"] == 1
        assert metrics[name, "transport=udp", "type=other", "rcode=FORMERR"] == 1
        assert metrics["acmezone_dns_malformed_total", "answer=formerr"] == 1
        assert sum(value for (key, _), value in metrics.samples.items() if key == name) == 7
        assert 1 <= metrics["acmezone_dns_query_duration_seconds_count"] <= 7
        assert metrics["acmezone_dns_query_duration_seconds_bucket", "le=+Inf"] == \
            metrics["acmezone_dns_query_duration_seconds_count"]


def test_the_api_is_told_by_route_and_status(tmp_path):
    name = "acmezone_http_requests_total"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        assert server.update(account, TXT).status_code == 200
        assert server.update({**account, "password": "p" * 40}, TXT).status_code == 401
        server.http.get(f"{server.api}/nothing")
        server.http.get(f"{server.api}/update")
        metrics = Metrics(server.metrics)
        assert metrics[name, "route=register", "status=201"] == 1
        assert metrics[name, "route=update", "status=200"] == 1
        assert metrics[name, "route=update", "status=401"] == 1
        assert metrics[name, "route=update", "status=405"] == 1
        assert metrics[name, "route=none", "status=404"] == 1
        assert metrics["acmezone_http_request_duration_seconds_count", "route=update"] == 3
        assert metrics["acmezone_http_request_duration_seconds_sum", "route=update"] > 0
        assert metrics["acmezone_auth_failures_total"] == 1
        assert metrics["acmezone_hashes_total"] == metrics["acmezone_hash_wait_duration_seconds_count"] == 3
        assert metrics["acmezone_registrations_total"] == metrics["acmezone_updates_total"] == 1


def test_store_and_process_are_told(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2, database={"map_size": "8MiB"}) as server:
        before = Metrics(server.metrics)
        for _ in range(5):
            server.register()
        metrics = Metrics(server.metrics)
        assert metrics["acmezone_store_accounts"] == before["acmezone_store_accounts"] + 5 == 5
        assert metrics["acmezone_store_commits_total"] == metrics["acmezone_store_commit_duration_seconds_count"] == 5
        assert metrics["acmezone_store_transaction_changes_sum"] == metrics["acmezone_store_changes_total"] == 5
        assert metrics["acmezone_store_map_bytes"] == 8 << 20
        assert 0 < metrics["acmezone_store_used_bytes"] <= (tmp_path / "data/data.mdb").stat().st_size
        assert 0 < metrics["acmezone_store_disk_free_bytes"] < metrics["acmezone_store_disk_size_bytes"]
        assert metrics["acmezone_store_writable"] == 1
        assert abs(metrics["process_start_time_seconds"] - time.time()) < 60
        assert metrics["process_open_fds"] > 5 and metrics["process_max_fds"] >= 1024
        assert metrics["process_resident_memory_bytes"] > 1 << 20
        assert metrics["process_cpu_seconds_total"] > 0
        assert not any("replica" in name or "etcd" in name or "certificate_expiry" in name for name in metrics.names)


def test_limits_and_truncations_are_told(tmp_path):
    records = [f"{ZONE}. A 192.0.2.1"] + [f'big.{ZONE}. TXT "{n:0>200}"' for n in range(10)]
    with Acmezone(tmp_path, general={"rrl_existing_per_s": 1, "rrl_slip": 2, "rrl_exempt": [], "workers": 1,
                                     "records": records}) as server:
        server.query(f"big.{ZONE}.", "TXT")
        with udp_socket(server.dns) as sock:
            for _ in range(40):
                sock.send(query_bytes(1, ZONE, TYPE_A))

        def metrics_when_all_are_read():
            metrics = Metrics(server.metrics)
            return metrics if metrics["acmezone_dns_queries_total", "transport=udp"] == 41 else None
        metrics = wait_until(metrics_when_all_are_read, server.report)
        assert metrics["acmezone_dns_rate_limited_total", "action=drop"] > 0
        assert metrics["acmezone_dns_rate_limited_total", "action=slip"] > 0
        assert metrics["acmezone_dns_truncated_total"] > metrics["acmezone_dns_rate_limited_total", "action=slip"]


def test_the_certificate_s_expiry_is_told(tmp_path):
    authority = Authority(tmp_path / "ca")
    chain, key, _ = authority.issue(dates=("-days", 5))
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(key)
    (tmp_path / "key.pem").chmod(0o600)
    tls = {"tls": "cert", "tls_cert_fullchain": str(tmp_path / "chain.pem"),
           "tls_cert_privkey": str(tmp_path / "key.pem")}
    with Acmezone(tmp_path, api=tls) as server:
        metrics = Metrics(server.metrics)
        left_s = metrics["acmezone_certificate_expiry_timestamp_seconds"] - time.time()
        assert 5 * 86400 - 600 < left_s <= 5 * 86400
        assert metrics["acmezone_certificate_loads_total", "result=success"] == 1


def test_metrics_go_on_after_a_reload_and_as_another_user(tmp_path):
    with Acmezone(tmp_path, general={"seccomp": "on", "landlock": True}) as server:
        server.reload()
        assert Metrics(server.metrics)["process_open_fds"] > 5
        assert server.query(f"{ZONE}.", "A").answer


def test_replicas_tell_how_they_stand_with_etcd(tmp_path):
    with Etcd() as etcd, Replicas(tmp_path, etcd, n=2) as replicas:
        account = replicas[0].register()
        for i in range(4):
            assert replicas[i % 2].update(account, f"{i:_>43}").status_code == 200
        for one in replicas:
            wait_until(lambda one=one: Metrics(one.metrics)["acmezone_replica_live_replicas"] == 2, one.report)
            metrics = Metrics(one.metrics)
            expect_sound(metrics.text)
            assert metrics["acmezone_replica_in_step"] == 1 and metrics["acmezone_replica_stale"] == 0
            assert metrics["acmezone_replica_lag_revisions"] == 0
            assert metrics["acmezone_replica_confirmed_age_seconds"] < 10
            assert metrics["acmezone_replica_barrier_duration_seconds_count"] >= 2
            assert metrics["acmezone_store_commit_duration_seconds_count"] > 0
            assert metrics["acmezone_store_accounts"] == 1


# The real thing

def test_a_real_prometheus_scrapes_it_and_answers_questions_about_it(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server, Prometheus(tmp_path, [server.metrics]) as prometheus:
        prometheus.wait_for("up == 1")
        account = server.register()
        assert server.update(account, TXT).status_code == 200
        for _ in range(4):
            assert server.txt(account["fulldomain"]) == [TXT]
        ((labels, n),) = prometheus.wait_for('acmezone_dns_responses_total{type="TXT",rcode="NOERROR"} >= 4')
        assert (labels["job"], labels["transport"], n) == ("acmezone", "udp", 4)
        prometheus.wait_for("sum(increase(acmezone_updates_total[1m])) > 0")
        ((_, p99),) = prometheus.wait_for(
            'histogram_quantile(0.99, sum by (le) (acmezone_http_request_duration_seconds_bucket{route="update"}))')
        assert 0 < p99 < 10
        (target,) = prometheus.api("targets")["activeTargets"]
        assert target["health"] == "up" and target["lastError"] == ""
        kinds = prometheus.api("targets/metadata", metric="acmezone_updates_total")
        assert kinds[0]["type"] == "counter" and kinds[0]["help"] == "Updates acknowledged."
