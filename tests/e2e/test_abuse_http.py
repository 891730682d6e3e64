# SPDX-License-Identifier: MIT
"""Clients who abuse the API: wrong credentials over and over, floods, too many connections, requests that never end.

Proves that they are stopped, that whoever is right is not, that the documented fail2ban expression finds them in the
log, and that the log holds no secret.
"""

import contextlib
import re
import socket
import time
import uuid

import pytest

from acmezone import CHEAP_ARGON2, ROOT, ZONE, Acmezone, wait_until
from wire import exchange, http_socket, is_closed_by_peer, read_response, request_bytes

TXT = "x" * 43
FAILURES = {**CHEAP_ARGON2, "auth_failures_per_min": 10}
PROXIED = {**FAILURES, "use_header": True}


def start(tmp_path, **api):
    return Acmezone(tmp_path, api={**FAILURES, **api})


def wrong(account):
    return {**account, "password": "w" * 40}


def come_from(address):
    return {"X-Forwarded-For": address}


def fail_often(server, account, n=25, headers=None):
    return [server.update(wrong(account), TXT, headers=headers).status_code for _ in range(n)]


def test_after_too_many_failures_a_client_gets_429_before_any_hash(tmp_path):
    with start(tmp_path) as server:
        account = server.register()
        hashes = server.counters()["hashes"]
        statuses = fail_often(server, account)
        assert statuses[:10] == [401] * 10
        assert statuses.count(429) >= 14
        answer = server.update(wrong(account), TXT)
        assert (answer.status_code, answer.json()) == (429, {"error": "too_many_requests"})
        assert 1 <= int(answer.headers["Retry-After"]) <= 6
        counters = server.counters()
        assert counters["hashes"] - hashes == statuses.count(401)
        assert counters["auth_limited"] == statuses.count(429) + 1


def test_the_defaults_limit_failures_too(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "auth_failures_per_min": None}) as server:
        statuses = fail_often(server, server.register(), 40)
        assert statuses[:30] == [401] * 30
        assert statuses[-1] == 429


def test_misshapen_credentials_and_wrong_tokens_count_as_failures(tmp_path):
    with start(tmp_path, registration_tokens=["a:" + "t" * 20]) as server:
        for _ in range(5):
            assert server.http.post(f"{server.api}/update", json={}).status_code == 401
            assert server.http.post(f"{server.api}/register").status_code == 401
        assert server.http.post(f"{server.api}/register").status_code == 429
        right = {"Authorization": "Bearer " + "t" * 20}
        assert server.http.post(f"{server.api}/register", headers=right).status_code == 429
        assert server.http.get(f"{server.api}/health").status_code == 200


def test_a_credential_that_was_verified_goes_on_from_the_same_address(tmp_path):
    with start(tmp_path) as server:
        account = server.register()
        assert server.update(account, TXT).status_code == 200
        assert fail_often(server, account)[-1] == 429
        for _ in range(5):
            assert server.update(account, TXT).status_code == 200


def test_right_credentials_never_count(tmp_path):
    with start(tmp_path, credential_cache=0) as server:
        account = server.register()
        for _ in range(30):
            assert server.update(account, TXT).status_code == 200


def test_strangers_cannot_lock_an_owner_out_who_was_never_seen_before(tmp_path):
    with Acmezone(tmp_path, api={**PROXIED, "credential_cache": 0}) as server:
        account = server.register()
        for number in range(8):
            fail_often(server, account, 15, come_from(f"192.0.2.{number}"))
        fail_often(server, account, 15, come_from("192.0.2.1"))  # again: some time has passed
        assert server.update(account, TXT, headers=come_from("192.0.2.1")).status_code == 429
        assert server.update(account, TXT, headers=come_from("198.51.100.1")).status_code == 200
        assert server.txt(account["fulldomain"]) == [TXT]


def test_a_network_of_64_bits_is_one_client(tmp_path):
    with Acmezone(tmp_path, api=PROXIED) as server:
        account = server.register()
        statuses = [server.update(wrong(account), TXT, headers=come_from(f"2001:db8:1:2::{number:x}")).status_code
                    for number in range(15)]
        assert statuses[-1] == 429
        assert server.update(wrong(account), TXT, headers=come_from("2001:db8:1:3::1")).status_code == 401


def test_a_header_that_is_not_believed_makes_no_new_client(tmp_path):
    with start(tmp_path) as server:
        account = server.register()
        statuses = [server.update(wrong(account), TXT, headers=come_from(f"192.0.2.{number}")).status_code
                    for number in range(15)]
        assert statuses[-1] == 429


def test_a_client_who_asks_too_often_gets_429_but_probes_are_answered(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "requests_per_s": 5}) as server:
        statuses = [server.http.post(f"{server.api}/update", json={}).status_code for _ in range(40)]
        assert statuses[:5] == [401] * 5
        assert 429 in statuses
        assert server.http.get(f"{server.api}/health").status_code == 200
        wait_until(lambda: server.http.post(f"{server.api}/update", json={}).status_code == 401, "room again")
        assert server.counters()["http_limited"] == statuses.count(429) or server.counters()["http_limited"] > 0


def test_a_client_has_so_many_connections_and_others_have_theirs(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "connections_per_client": 4}) as server:
        mine = [http_socket(server.api) for _ in range(4)]
        for connection in mine:
            connection.sendall(request_bytes("GET /health", [("Host", "x")]))
            assert read_response(connection, "GET").status == 200
        assert is_closed_by_peer(http_socket(server.api))
        other = socket.create_connection(mine[0].getpeername(), 20, source_address=("127.0.0.2", 0))
        other.sendall(request_bytes("GET /health", [("Host", "x")]))
        assert read_response(other, "GET").status == 200
        mine.pop().close()
        wait_until(lambda: answers(server.api), "room again")
        for connection in [*mine, other]:
            connection.close()
        assert server.counters()["http_crowded"] >= 1


def answers(api):
    try:
        return exchange(api, request_bytes("GET /health", [("Host", "x")]), "GET").status == 200
    except (ConnectionError, OSError, ValueError):
        return False


def test_connections_of_a_trusted_proxy_are_not_counted(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "connections_per_client": 2, "use_header": True}) as server:
        connections = [http_socket(server.api) for _ in range(8)]
        for connection in connections:
            connection.sendall(request_bytes("GET /health", [("Host", "x")]))
            assert read_response(connection, "GET").status == 200
            connection.close()


def trickle(connection, data, deadline_s):
    """Sends a byte each tenth of a second until the peer has had enough; returns how long that took."""
    began = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() - began < deadline_s:
        try:
            connection.sendall(data)
            if connection.recv(100) == b"":
                break
        except TimeoutError:
            continue
        except (ConnectionError, OSError):
            break
    return time.monotonic() - began


@pytest.mark.parametrize("opening", [
    b"",
    b"POST /register HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nPOST /register HTTP/1.1\r\nX-Slow: ",
], ids=["request line", "headers", "body", "second request"])
def test_a_request_that_never_ends_is_cut_off_although_bytes_come_in(tmp_path, opening):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "request_s": 2}) as server:
        with http_socket(server.api) as slow, http_socket(server.api) as patient:
            slow.sendall(opening)
            assert 1 < trickle(slow, b"x", 15) < 12
            assert server.counters()["http_late"] >= 1
            assert is_closed_by_peer(patient)
        assert server.register()


def test_an_answer_that_takes_longer_than_a_request_may_is_not_cut_off(tmp_path):
    """Hashes of more and more passes, until one takes longer on this machine, as busy as it is."""
    took_s, passes = 0, 4
    while took_s < 1.5:
        slow = {"argon2_memory_kib": 65536, "argon2_passes": passes, "request_s": 1, "hash_threads": 1}
        with Acmezone(tmp_path, api=slow) as server:
            began = time.monotonic()
            assert server.register()
            took_s = time.monotonic() - began
            assert server.counters()["http_late"] == 0
        passes *= 2


def test_headers_too_large_are_refused_cleanly(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        huge = request_bytes("GET /health", [("Host", "x"), ("X-Huge", "x" * 60000)])
        with http_socket(server.api) as connection:
            connection.sendall(huge)
            assert read_response(connection, "GET").status == 431
        with http_socket(server.api) as connection:
            connection.sendall(request_bytes("GET /" + "x" * 60000, [("Host", "x")]))
            assert read_response(connection, "GET").status == 414
        assert server.register()


# What stands in the README for fail2ban.

def readme_regex():
    return re.search(r"^ *failregex = (.*)$", (ROOT / "README.md").read_text(), re.M).group(1)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_the_fail2ban_expression_finds_failures_and_nothing_else(tmp_path, address):
    expression = re.compile(readme_regex().replace("<ADDR>", r"(?P<ip>[0-9a-f:.]+)"))
    with Acmezone(tmp_path, api={**PROXIED, "registration_tokens": ["a:" + "t" * 20]},
                  logconfig={"logformat": "text", "loglevel": "debug"}) as server:
        token = {"Authorization": "Bearer " + "t" * 20}
        account = server.http.post(f"{server.api}/register", headers=token).json()
        server.update(account, TXT, headers=come_from("198.51.100.1"))
        server.update(account, "bad", headers=come_from("198.51.100.1"))
        server.http.get(f"{server.api}/nothing", headers=come_from("198.51.100.1"))
        fail_often(server, account, 8, come_from(address))
        for _ in range(8):
            server.http.post(f"{server.api}/register", headers=come_from(address))
        found = [match for line in server.log.splitlines() if (match := expression.search(line))]
        assert [match["ip"] for match in found] == [address] * 16


def test_no_secret_is_ever_logged(tmp_path):
    token = "tokentokentokentoken"
    with Acmezone(tmp_path, api={**PROXIED, "auth_failures_per_min": 50, "registration_tokens": ["name:" + token], "corsorigins": ["*"]},
                  logconfig={"loglevel": "debug"}, expects_errors=True) as server:
        url = server.api
        accounts = [server.http.post(f"{url}/register", headers={"Authorization": f"Bearer {token}"}).json(),
                    server.http.post(f"{url}/register", auth=("user", token)).json(),
                    server.http.post(f"{url}/{token}/register", json={"allowfrom": ["192.0.2.0/24"]}).json()]
        secrets = {token, "w" * 40, "Bearer", "Basic", "argon2", *(account["password"] for account in accounts)}
        for account in accounts:
            for headers in ({}, come_from("192.0.2.1"), {"X-Api-Key": "short-secret"}, {"Cookie": "cookie-secret"},
                            {"Authorization": "Bearer wrong-secret"}):
                server.update(account, TXT, headers=headers)
                server.update(account, "bad-secret", headers=headers)
                server.update(wrong(account), TXT, headers=headers)
            server.update({**account, "username": str(uuid.uuid4())}, TXT)
            server.http.post(f"{url}/{token}/update", json={"subdomain": account["subdomain"], "txt": TXT})
            server.http.post(f"{url}/update?key={account['password']}", data=account["password"])
            server.http.get(f"{url}/{account['password']}")
        for path in ("register", "wrong-secret/register"):
            server.http.post(f"{url}/{path}", headers={"Authorization": "Bearer wrong-secret"})
        for raw in (b"POST /register HTTP/9\r\nAuthorization: raw-secret\r\n\r\n", b"raw-secret\r\n\r\n",
                    b"POST /update HTTP/1.1\r\nX-Api-Key raw-secret\r\n\r\n",
                    b"POST /update HTTP/1.1\r\nX-Api-Key: raw-secret" + b"x" * 60000 + b"\r\n\r\n"):
            with http_socket(url) as connection:
                connection.sendall(raw)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(100)
        server.query(f"{accounts[0]['subdomain']}.{ZONE}", "TXT")
        server.reload()
        server.counters()
    said = server.log + server.stderr
    assert "update.done" in said and "request.refused" in said
    for secret in {*secrets, "short-secret", "cookie-secret", "wrong-secret", "raw-secret", "bad-secret"}:
        assert secret not in said, secret
