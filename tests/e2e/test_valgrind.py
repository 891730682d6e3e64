# SPDX-License-Identifier: MIT
"""One full scenario under valgrind's memcheck: no invalid access, no use of undefined bytes, no leak.

Registrations, updates and refusals over HTTP and HTTPS, questions over UDP and TCP, garbage on both protocols, limits, a
connection cut off, reloads, a restart, and the end. seccomp and Landlock are off, as valgrind makes calls of its own.
"""

import re
import socket

from acmezone import CHEAP_ARGON2, ZONE, Acmezone
from certificates import Authority
from wire import framed, http_socket, is_closed_by_peer, query_bytes, receive_framed, tcp_socket, udp_socket

VALGRIND = ["valgrind", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible", "--fair-sched=yes", "--log-file={log}"]
ALONE = {"seccomp": "off", "landlock": False, "workers": 2}
API = {**CHEAP_ARGON2, "registration_tokens": ["name:" + "t" * 20], "auth_failures_per_min": 5, "request_s": 10,
       "corsorigins": ["https://*.example.com"]}
TXT = "x" * 43


def speak_http(server):
    token = {"Authorization": "Bearer " + "t" * 20, "Origin": "https://a.example.com"}
    account = server.http.post(f"{server.api}/register", json={"allowfrom": ["127.0.0.0/8"]}, headers=token).json()
    assert server.update(account, TXT).status_code == 200
    for body in (b"", b"{", b'{"txt": 1}', b"x" * 20000):
        server.http.post(f"{server.api}/update", data=body, headers={"X-Api-User": account["username"],
                                                                     "X-Api-Key": account["password"]})
    for path in ("health", "ready", "nothing", "update"):
        server.http.get(f"{server.api}/{path}")
    statuses = [server.update({**account, "password": "w" * 40}, TXT).status_code for _ in range(8)]
    assert statuses[-1] == 429
    server.http.post(f"{server.api}/register")
    return account


def speak_dns(server, account):
    name = account["fulldomain"]
    assert server.txt(name) == server.txt(name, tcp=True) == [TXT]
    for other, rdtype in ((ZONE, "ANY"), (ZONE, "SOA"), (f"none.{ZONE}", "A"), ("example.net", "A"), (name, "AAAA")):
        server.query(other, rdtype)
    garbage = [b"", b"x", b"\0" * 11, b"\0" * 12, b"\xff" * 200, query_bytes(1, name)[:-1], query_bytes(1, name) * 2]
    with udp_socket(server.dns) as udp:
        for packet in garbage:
            udp.send(packet)
    for packet in garbage:
        with tcp_socket(server.dns) as tcp:
            tcp.sendall(framed(packet) + framed(query_bytes(2, name)))
            receive_framed(tcp)
    with tcp_socket(server.dns) as tcp:
        tcp.sendall(b"\0")


def run_through(server):
    with http_socket(server.apis[0]) as slow:
        slow.sendall(b"POST /register HTTP/1.1\r\n")
        account = speak_http(server)
        speak_dns(server, account)
        assert is_closed_by_peer(slow)
    server.reload()
    server.counters()
    return account


def judge(log):
    text = log.read_text()
    assert re.search(r"ERROR SUMMARY: 0 errors", text), text
    assert "definitely lost: 0 bytes" in text or "no leaks are possible" in text, text


def wrapper(log):
    return [word.format(log=log) for word in VALGRIND]


def test_memcheck_finds_nothing_over_http_and_after_a_restart(tmp_path):
    log = tmp_path / "valgrind.%p"
    with Acmezone(tmp_path, general=ALONE, api=API, wrapper=wrapper(log)) as server:
        account = run_through(server)
        server.restart()
        assert server.txt(account["fulldomain"]) == [TXT]
    logs = list(tmp_path.glob("valgrind.*"))
    assert len(logs) == 2
    for each in logs:
        judge(each)


def test_memcheck_finds_nothing_over_https(tmp_path):
    authority = Authority(tmp_path / "ca")
    chain, key, _ = authority.issue()
    for name, text in (("chain.pem", chain), ("key.pem", key)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    tls = {"tls": "cert", "tls_cert_fullchain": str(tmp_path / "chain.pem"), "tls_cert_privkey": str(tmp_path / "key.pem")}
    log = tmp_path / "valgrind.log"
    with Acmezone(tmp_path, general=ALONE, api={**API, **tls}, wrapper=wrapper(log)) as server:
        server.http.verify = str(authority.root)
        run_through(server)
        with socket.create_connection(http_socket(server.api).getpeername(), 10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            plain.recv(100)
    judge(log)
