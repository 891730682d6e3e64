# SPDX-License-Identifier: MIT
"""The log: where it goes, how a line looks, which lines are written, and that no secret is in them."""

import json
import os
import re
import signal
import subprocess

import pytest

from acmezone import BINARY, CHEAP_ARGON2, ZONE, Acmezone, clean_environment, free_port, run, wait_until, write_config
from wire import http_socket, query_bytes, read_response, udp_socket

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TXT = "x" * 43
SAME_USER = {"user": str(os.geteuid())}  # said, so that root is not warned about


def test_the_log_file_is_opened_again_on_sighup(tmp_path):
    log = tmp_path / "acmezone.log"
    with Acmezone(tmp_path, logconfig={"logtype": "file", "logfile": str(log)}) as server:
        assert server.stdout == ""
        assert log.stat().st_mode & 0o007 == 0
        log.rename(tmp_path / "acmezone.log.1")
        server.signal(signal.SIGHUP)
        wait_until(log.exists, "the new file")
        before = (tmp_path / "acmezone.log.1").read_text()
        server.signal(signal.SIGUSR1)
        wait_until(lambda: "serve.counters" in log.read_text(), "the counters in the new file")
        assert (tmp_path / "acmezone.log.1").read_text() == before


def test_a_log_file_that_cannot_be_opened_again_is_kept_and_an_error(tmp_path):
    (tmp_path / "logs").mkdir()
    with Acmezone(tmp_path, logconfig={"logtype": "file", "logfile": str(tmp_path / "logs/log")},
                  expects_errors=True) as server:
        (tmp_path / "logs").rename(tmp_path / "moved")
        server.signal(signal.SIGHUP)
        wait_until(lambda: '"serve.reloaded"' in (tmp_path / "moved/log").read_text(), "the reload")
        lines = (tmp_path / "moved/log").read_text().splitlines()
        assert str(tmp_path / "logs/log") in next(line for line in lines if '"level":"error"' in line)
        assert server.query(f"{ZONE}.", "A").answer
        (tmp_path / "moved").rename(tmp_path / "logs")


def test_a_log_file_that_cannot_be_opened_is_one_clear_line_and_exit_1(tmp_path):
    path = tmp_path / "nothing" / "log"
    result = run("-c", write_config(tmp_path, logconfig={"logtype": "file", "logfile": str(path)}))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and str(path) in result.stderr


def test_an_existing_log_file_is_continued(tmp_path):
    log = tmp_path / "acmezone.log"
    log.write_text('{"event":"before","level":"info"}\n')
    for n_runs in (1, 2):
        with Acmezone(tmp_path, logconfig={"logtype": "file", "logfile": str(log)}) as server:
            assert server.events[0]["event"] == "before"
            assert len(server.events_named("serve.ready")) == n_runs


def test_both_writes_to_the_file_and_to_stdout(tmp_path):
    log = tmp_path / "acmezone.log"
    with Acmezone(tmp_path, logconfig={"logtype": "both", "logfile": str(log)}) as server:
        wait_until(lambda: log.read_text() == server.stdout != "", "the same lines in both")


def test_a_text_line_has_time_level_event_and_fields(tmp_path):
    with Acmezone(tmp_path, logconfig={"logformat": "text"}) as server:
        line = next(line for line in server.stdout.splitlines() if " serve.ready " in line)
        assert re.fullmatch(rf'{TIME} info serve\.ready( \w+=([^\s"=]+|"([^"\\]|\\.)*"))*', line)
        assert f" dns=127.0.0.1:{server.dns[1]} " in line
        assert f" api={server.api} " in line


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_log_level_shows_what_is_important_enough(tmp_path, level):
    with Acmezone(tmp_path, general=SAME_USER, logconfig={"loglevel": level}) as server:
        assert {event["level"] for event in server.events} <= {"info", "debug"}


@pytest.mark.parametrize("level", ["warn", "warning", "error"])
def test_the_log_level_hides_what_is_less_important(tmp_path, level):
    """Nothing tells here that the server is ready, so its ports are chosen before and asked until they answer."""
    port = free_port()
    path = write_config(tmp_path, general={"listen": f"127.0.0.1:{port}", **SAME_USER},
                        logconfig={"loglevel": level})
    with open(tmp_path / "stdout", "wb") as stdout:
        process = subprocess.Popen([BINARY, "-c", path], stdout=stdout, stderr=subprocess.STDOUT,
                                   env=clean_environment())
    try:
        wait_until(lambda: is_answering(("127.0.0.1", port)), "an answer")
        process.send_signal(signal.SIGUSR1)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "stdout").read_text() == ""


def is_answering(address):
    try:
        with udp_socket(address) as sock:
            sock.settimeout(0.5)
            sock.send(query_bytes(7, f"{ZONE}."))
            return sock.recv(65535)[:2] == b"\0\7"
    except OSError:
        return False


def test_no_secret_ever_shows_in_the_log(tmp_path):
    token = "Sesame-Open-0815-4711"
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "registration_tokens": [f"alice:{token}"]},
                  logconfig={"loglevel": "debug"}) as server:
        bearer = {"Authorization": f"Bearer {token}"}
        account = server.http.post(f"{server.api}/register", headers=bearer).json()
        wrong = "W" * 40
        secrets = [token, account["password"], wrong]
        server.http.post(f"{server.api}/register", headers={"Authorization": f"Bearer {wrong}"})
        server.http.post(f"{server.api}/{wrong}/register")
        server.http.post(f"{server.api}/{token}/register")
        server.http.post(f"{server.api}/{token}/nothing")
        server.update(account, TXT)
        server.update(account, "bad value")
        server.update({**account, "password": wrong}, TXT)
        server.update({**account, "username": account["password"]}, TXT)
        server.update(account, TXT, subdomain=account["password"])
        server.http.get(f"{server.api}/{account['password']}")
        server.http.post(f"{server.api}/update?key={account['password']}")
        server.query(account["fulldomain"])
        server.reload()
        server.counters()
        assert server.update(account, TXT).status_code == 200
        server.stop()
        assert "$argon2" not in server.log
        for secret in secrets:
            assert secret not in server.log
        for event in ("serve.ready", "serve.reloaded", "serve.counters"):
            assert server.events_named(event)


def test_a_forged_header_cannot_forge_a_log_line(tmp_path):
    """Whatever a client sends, each line of the log stays one JSON object."""
    with Acmezone(tmp_path, api=CHEAP_ARGON2, logconfig={"loglevel": "debug"}) as server:
        evil = 'x"\\ \x1b[31m level=error {"event":"forged"} \xff'.encode("latin-1")
        with http_socket(server.api) as connection:
            connection.sendall(b"POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: " + evil + b"\r\nX-Api-Key: " + evil +
                               b"\r\nContent-Length: 2\r\n\r\n{}")
            assert read_response(connection).status == 401
        server.counters()
        assert all(isinstance(json.loads(line), dict) for line in server.log.splitlines())
        assert not server.events_named("forged")
