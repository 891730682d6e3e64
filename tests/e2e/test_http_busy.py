# SPDX-License-Identifier: MIT
"""The API when much is asked of it: the hash queue, the cache of credentials, connections; its counters and events."""

import contextlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from acmezone import CHEAP_ARGON2, DEADLINE_S, ZONE, Acmezone, wait_until
from wire import http_socket, request_bytes

TXT = "x" * 43
SLOW_ARGON2 = {"argon2_memory_kib": 32768, "argon2_passes": 3, "argon2_lanes": 1}
UNKNOWN = {"username": str(uuid.UUID(int=1)), "subdomain": str(uuid.UUID(int=2)), "password": "x" * 40}


def in_parallel(n, call):
    """The n results of call(number), run at once."""
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(call, range(n)))


def post_update(server, account):
    return requests.post(f"{server.api}/update", json={"subdomain": account["subdomain"], "txt": TXT}, timeout=30,
                         headers={"X-Api-User": account["username"], "X-Api-Key": account["password"]})


def test_beyond_the_hash_queue_the_answer_is_503_with_retry_after_while_dns_and_health_go_on(tmp_path):
    with Acmezone(tmp_path, api={**SLOW_ARGON2, "hash_threads": 1, "hash_queue": 2}) as server:
        with ThreadPoolExecutor(16) as pool:
            answers = [pool.submit(post_update, server, UNKNOWN) for _ in range(16)]
            wait_until(lambda: server.counters()["hash_busy"], "a full queue")
            assert server.query(f"{ZONE}.", "A").answer
            assert server.http.get(f"{server.api}/health").status_code == 200
            assert server.http.get(f"{server.api}/ready").status_code == 200
        assert {answer.result().status_code for answer in answers} == {401, 503}
        for answer in (answer.result() for answer in answers):
            if answer.status_code == 503:
                assert answer.text == '{"error": "busy"}'
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["Content-Type"].split(";")[0] == "application/json"


def test_a_verified_credential_spares_the_hash_and_a_wrong_one_does_not(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        hashes = [server.counters()["hashes"]]
        for password, status in [(account["password"], 200)] * 2 + [("x" * 40, 401)] * 2:
            assert server.update({**account, "password": password}, TXT).status_code == status
            hashes.append(server.counters()["hashes"])
        assert [after - before for before, after in zip(hashes, hashes[1:])] == [1, 0, 1, 1]
        assert server.counters()["credential_hits"] == 1


def test_without_a_cache_every_update_is_hashed(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "credential_cache": 0}) as server:
        account = server.register()
        for _ in range(3):
            assert server.update(account, TXT).status_code == 200
        assert server.counters()["hashes"] == 4
        assert server.counters()["credential_hits"] == 0


def test_requests_are_counted_by_their_outcome(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, TXT)
        server.update(account, "short")
        server.update({**account, "password": "x" * 40}, TXT)
        server.http.get(f"{server.api}/nothing")
        server.http.get(f"{server.api}/health")
        expected = {"http_requests": 6, "http_errors": 3, "registrations": 1, "updates": 1, "auth_refused": 1,
                    "changes": 2, "store_errors": 0, "hash_busy": 0}
        counters = server.counters()
        assert {name: counters[name] for name in expected} == expected


def test_the_log_says_who_did_what_from_where_and_why_not(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "use_header": True}) as server:
        account = server.register(allowfrom=["192.0.2.0/24"])
        client = {"X-Forwarded-For": "192.0.2.7"}
        server.update(account, TXT, headers=client)
        server.update(account, TXT)
        server.update({**account, "password": "x" * 40}, TXT, headers=client)
        server.update(UNKNOWN, TXT, headers=client)
        server.update(account, "short", headers=client)
        (registered,) = server.events_named("register.done")
        (updated,) = server.events_named("update.done")
        for event, ip in ((registered, "127.0.0.1"), (updated, "192.0.2.7")):
            assert event["ip"] == ip
            assert (event["account"], event["subdomain"]) == (account["username"], account["subdomain"])
        refused = server.events_named("update.refused")
        assert [event["ip"] for event in refused] == ["127.0.0.1"] + ["192.0.2.7"] * 3
        assert len({event["reason"] for event in refused}) == 4, "each refusal has a reason of its own"
        assert all(event["account"] == account["username"] for event in refused
                   if event["reason"] != refused[2]["reason"])


def test_many_clients_at_once_are_all_served(tmp_path):
    """Registrations and updates of 16 clients, four each; commits are shared by those that wait at the same time."""
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        def work(_):
            account = requests.post(f"{server.api}/register", timeout=30).json()
            statuses = [post_update(server, account).status_code for _ in range(3)]
            return account["fulldomain"], statuses

        for name, statuses in in_parallel(16, work):
            assert statuses == [200] * 3
            assert server.txt(name) == [TXT]
        counters = server.counters()
        assert counters["changes"] == 64
        assert counters["commits"] <= 64


@pytest.mark.parametrize("limit", [1, 4])
def test_connections_of_the_api_are_limited_and_come_free_again(tmp_path, limit):
    health = request_bytes("GET /health", [("Host", "x")])

    def is_served(sock, timeout_s):
        sock.settimeout(timeout_s)
        try:
            sock.sendall(health)
            return sock.recv(1000).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def is_new_one_served():
        with http_socket(server.api) as sock:
            return is_served(sock, 1)

    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "connections": limit}) as server:
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                socks = [stack.enter_context(http_socket(server.api)) for _ in range(limit + 3)]
                assert all(is_served(sock, DEADLINE_S) for sock in socks[:limit])
                assert not any(is_served(sock, 0.2) for sock in socks[limit:])
                assert server.query(f"{ZONE}.", "A").answer
            wait_until(is_new_one_served, "a free connection")


def test_a_flood_of_broken_requests_leaves_the_api_serving(server):
    """What libmicrohttpd refuses by itself, and clients that leave at any point."""
    body = json.dumps({"allowfrom": []}).encode()
    good = request_bytes("POST /register", [("Host", "x"), ("Content-Length", len(body))], body)
    broken = [b"\0" * 100, b"GET\r\n\r\n", b"POST /register HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
              b"GET / HTTP/1.1\r\n" + b"x" * 70000, good.replace(b"Content-Length: ", b"Content-Length: -"),
              good.replace(b"Content-Length: ", b"Content-Length: x"),
              *(good[:n] for n in range(0, len(good), 7))]
    for request in broken:
        with http_socket(server.api) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(request)
    assert server.register()
