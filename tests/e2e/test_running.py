# SPDX-License-Identifier: MIT
"""Running it: ready, signals, reloading, and the service manager."""

import json
import os
import re
import signal
import socket
from datetime import datetime

import dns.rcode
import pytest
import requests

from acmezone import CHEAP_ARGON2, DEADLINE_S, DEFAULTS, ZONE, Acmezone, run, wait_until, write_config
from wire import framed, http_socket, query_bytes, read_response, receive_framed, request_bytes, tcp_socket

TXT = "x" * 43


def update_request(account, txt=TXT):
    """(headers, body) of an update, to be sent apart."""
    body = json.dumps({"subdomain": account["subdomain"], "txt": txt}).encode()
    headers = [("Host", "x"), ("X-Api-User", account["username"]), ("X-Api-Key", account["password"]),
               ("Content-Length", len(body))]
    return request_bytes("POST /update", headers), body


# Starting

def test_ready_is_logged_once_when_everything_is_bound(tmp_path):
    with Acmezone(tmp_path, general={"workers": 2}) as server:
        (ready,) = server.events_named("serve.ready")
        assert ready["level"] == "info"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ready["time"])
        assert ready["dns"] == f"127.0.0.1:{server.dns[1]}"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready["api"])
        assert ready["workers"] == 2
        assert server.query(f"{ZONE}.", "A").answer
        assert server.http.get(f"{server.api}/ready").status_code == 200


@pytest.mark.parametrize("kind", ["DNS over UDP", "DNS over TCP", "API"])
def test_a_port_in_use_is_one_clear_line_and_exit_1(tmp_path, kind):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if "UDP" in kind else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        if "UDP" not in kind:
            taken.listen()
        port = taken.getsockname()[1]
        options = {"api": {"port": str(port)}} if kind == "API" else {"general": {"listen": f"127.0.0.1:{port}"}}
        result = run("serve", "-c", write_config(tmp_path, **options))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert f"127.0.0.1:{port}" in result.stderr
    assert "serve.ready" not in result.stdout


def test_a_second_server_on_the_same_ports_does_not_start(tmp_path):
    """Ports are shared among the workers of one server, never with another server."""
    with Acmezone(tmp_path) as server:
        (tmp_path / "second").mkdir()
        result = run("-c", write_config(tmp_path / "second", general={"listen": f"127.0.0.1:{server.dns[1]}"}))
        assert result.returncode == 1
        assert f"127.0.0.1:{server.dns[1]}" in result.stderr


# Stopping

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_the_request_in_flight_and_exits_0(tmp_path, number):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        head, body = update_request(account)
        with http_socket(server.api) as connection, http_socket(server.api) as idle, tcp_socket(server.dns):
            idle.sendall(request_bytes("GET /health", [("Host", "x")]))
            assert read_response(idle, "GET").status == 200
            connection.sendall(head + body[:10])
            requests.get(f"{server.api}/health", timeout=DEADLINE_S)  # so that the half request has been read
            server.signal(number)
            wait_until(lambda: is_refused(server.api), "new connections are still accepted")
            connection.sendall(body[10:])
            assert read_response(connection).status == 200
        assert server.process.wait(DEADLINE_S) == 0
        assert stop_s(server) < 4, "neither an idle connection nor a DNS connection holds up the stop"
    with Acmezone(tmp_path) as server:
        assert server.txt(account["fulldomain"]) == [TXT]


def stop_s(server):
    """How long the stop took, by the server's own clock."""
    began, ended = (datetime.fromisoformat(server.events_named(name)[-1]["time"]) for name in ("serve.stopping", "serve.stopped"))
    return (ended - began).total_seconds()


def is_refused(api):
    try:
        with http_socket(api) as connection:
            connection.settimeout(0.2)
            connection.sendall(request_bytes("GET /health", [("Host", "x")]))
            return connection.recv(1) == b""
    except OSError:
        return True


def test_a_client_that_never_finishes_holds_up_the_stop_for_5_seconds_at_most(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        head, body = update_request(server.register())
        with http_socket(server.api) as connection:
            connection.sendall(head + body[:10])
            requests.get(f"{server.api}/health", timeout=DEADLINE_S)
            assert server.stop() == 0
            assert 4 < stop_s(server) < 8


def test_many_updates_in_flight_are_all_answered_before_the_end(tmp_path):
    """argon2 and the writer are at work when the signal comes: each client gets an answer, and 200 means kept."""
    with Acmezone(tmp_path, api={"argon2_memory_kib": 4096, "argon2_passes": 1}) as server:
        accounts = [server.register() for _ in range(8)]
        socks = []
        for account in accounts:
            socks.append(http_socket(server.api))
            socks[-1].sendall(b"".join(update_request(account)))
        requests.get(f"{server.api}/health", timeout=DEADLINE_S)
        server.signal(signal.SIGTERM)
        answers = []
        for sock in socks:
            response = read_response(sock)
            answers.append(response.status)
            sock.close()
        assert set(answers) <= {200, 503}
        assert server.process.wait(DEADLINE_S) == 0
    with Acmezone(tmp_path) as server:
        for account, status in zip(accounts, answers):
            assert status != 200 or server.txt(account["fulldomain"]) == [TXT]


# Reloading

def records(*more):
    return [*DEFAULTS["general"]["records"], *more]


def test_sighup_reads_the_static_records_again(tmp_path):
    with Acmezone(tmp_path, general={"records": records(f"old.{ZONE}. A 192.0.2.10")}, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, TXT)
        with tcp_socket(server.dns) as sock:
            write_config(tmp_path, general={"records": records(f"new.{ZONE}. A 192.0.2.11")}, api=CHEAP_ARGON2)
            server.reload()
            wait_until(lambda: server.query(f"new.{ZONE}.", "A").answer, "the new record")
            wait_until(lambda: server.query(f"old.{ZONE}.", "A").rcode() == dns.rcode.NXDOMAIN, "the old record to go")
            assert server.txt(account["fulldomain"]) == [TXT]
            sock.sendall(framed(query_bytes(7, f"{ZONE}.")))
            assert receive_framed(sock)[:2] == b"\0\7", "the open connection lives on"


def test_a_broken_file_on_sighup_changes_nothing_and_is_an_error_in_the_log(tmp_path):
    with Acmezone(tmp_path, general={"records": records(f"old.{ZONE}. A 192.0.2.10")}, expects_errors=True) as server:
        for broken in ({"records": ["nonsense"]}, {"records": 5}, {"records": [f"x.{ZONE}. A nonsense"]},
                       {"txt_values": 0}, {"domain": "other.example.org", "nsname": "other.example.org"}):
            n_errors = len(server.errors)
            write_config(tmp_path, general=broken)
            server.signal(signal.SIGHUP)
            wait_until(lambda: len(server.errors) > n_errors, server.report)
            assert server.query(f"old.{ZONE}.", "A").answer
        write_config(tmp_path, general={"records": records(f"new.{ZONE}. A 192.0.2.10")})
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.query(f"new.{ZONE}.", "A").answer, "the new record")


def test_sighup_under_load_loses_no_query(tmp_path):
    with Acmezone(tmp_path, general={"workers": 2}) as server:
        for _ in range(20):
            n = len(server.events_named("serve.reloaded"))
            server.signal(signal.SIGHUP)
            while len(server.events_named("serve.reloaded")) == n:
                assert server.query(f"{ZONE}.", "A").answer
                assert server.query(f"{ZONE}.", "A", tcp=True).answer


# The service manager

@pytest.mark.parametrize("is_abstract", [False, True], ids=["path", "abstract"])
def test_the_service_manager_is_told_when_the_server_is_ready_and_when_it_stops(tmp_path, is_abstract):
    name = f"@acmezone-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind("\0" + name[1:] if is_abstract else name)
        notify.settimeout(10)
        with Acmezone(tmp_path, env={"NOTIFY_SOCKET": name}) as server:
            assert "READY=1" in notify.recv(4096).decode().splitlines()
            assert server.stop() == 0
            assert "STOPPING=1" in notify.recv(4096).decode().splitlines()


def test_a_notify_socket_that_is_gone_does_not_keep_the_server_from_starting(tmp_path):
    with Acmezone(tmp_path, env={"NOTIFY_SOCKET": str(tmp_path / "nothing")}, expects_errors=True) as server:
        assert server.register()
