# SPDX-License-Identifier: MIT
"""Hostile clients of the DNS: rate limits, cookies with real peers, connections by the thousand, slow readers."""

import re
import resource
import socket
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, free_port, run, wait_until, write_config
from lab import unbound
from lab.processes import Lab, free_address
from wire import (TYPE_A, framed, header, is_closed_by_peer, opt_record, query_bytes, receive_framed, tcp_socket,
                  udp_exchange, udp_socket)

APEX = f"{ZONE}."
SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
OTHER_SECRET = "445536bcd2513298075a5d379663c962"
LIMITED = {"workers": 1, "rrl_existing_per_s": 50, "rrl_others_per_s": 20, "rrl_exempt": []}
DEFAULTS = {"rrl_existing_per_s": None, "rrl_others_per_s": None, "rrl_exempt": []}  # what the program says


def cookie_option(cookie):
    return dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)


def cookie_of(answer):
    """The content of its COOKIE option, b"" when there is none."""
    return next((option.to_wire() for option in answer.options if option.otype == dns.edns.OptionType.COOKIE), b"")


def ask_with_cookie(server, cookie, name=APEX, rdtype="A"):
    return server.ask(dns.message.make_query(name, rdtype, use_edns=0, options=[cookie_option(cookie)]))


def flood(server, packets):
    """Sends the packets one by one and returns all answers; the last comes to a probe that is never limited."""
    cookie = cookie_of(ask_with_cookie(server, b"12345678"))
    probe = query_bytes(0xFFFF, APEX, TYPE_A, opt=opt_record(options=b"\0\x0a\0\x18" + cookie))
    answers = []
    with udp_socket(server.dns) as sock:
        for at in range(0, len(packets), 50):  # no more than the socket's buffers hold
            for packet in packets[at:at + 50]:
                sock.send(packet)
            sock.send(probe)
            while (answer := sock.recv(65535))[:2] != probe[:2]:
                answers.append(answer)
    return answers


def is_truncated(answer):
    return bool(answer[2] & 2)


@pytest.mark.parametrize("name, rate", [(APEX, 50), (f"nobody.{ZONE}.", 20)])
def test_over_the_limit_half_is_told_to_come_by_tcp_and_half_is_dropped(tmp_path, name, rate):
    n_queries = 1000
    with Acmezone(tmp_path, general=LIMITED) as server:
        began = time.monotonic()
        answers = flood(server, [query_bytes(number, name, TYPE_A) for number in range(n_queries)])
        whole = [answer for answer in answers if not is_truncated(answer)]
        assert rate - 1 <= len(whole) <= rate * (1 + time.monotonic() - began) + 1  # one went for the cookie
        counters = server.counters()
        assert counters["rrl_slipped"] == len(answers) - len(whole)
        assert counters["rrl_dropped"] == n_queries - len(answers)
        assert abs(counters["rrl_slipped"] - counters["rrl_dropped"]) <= 1
        with tcp_socket(server.dns) as sock:
            for _ in range(200):
                sock.sendall(framed(query_bytes(7, name, TYPE_A)))
                assert not is_truncated(receive_framed(sock))


def test_exempt_clients_are_not_limited(tmp_path):
    limited = {**LIMITED, "rrl_exempt": ["192.0.2.0/24", "127.0.0.0/8"]}
    with Acmezone(tmp_path, general=limited) as server:
        answers = flood(server, [query_bytes(number, APEX, TYPE_A) for number in range(500)])
        assert len(answers) == 500 and not any(map(is_truncated, answers))


def test_refusals_over_the_limit_are_never_longer_than_their_questions(tmp_path):
    query = query_bytes(7, "example.com.", TYPE_A, opt=opt_record(options=b"\0\3\0\0"))
    with Acmezone(tmp_path, general={**LIMITED, "nsid": "a name that is longer than nothing"}) as server:
        began = time.monotonic()
        answers = flood(server, [query] * 500)
        assert 20 <= len(answers) <= 20 * (1 + time.monotonic() - began) + 250
        assert all(len(answer) <= len(query) and answer[3] & 15 == dns.rcode.REFUSED for answer in answers)


def test_a_limited_client_that_takes_the_cookie_is_limited_no_more(tmp_path):
    with Acmezone(tmp_path, general=LIMITED) as server:
        flood(server, [query_bytes(7, APEX, TYPE_A)] * 500)
        query = dns.message.make_query(APEX, "A", use_edns=0, options=[cookie_option(b"abcdefgh")])
        slipped = wait_until(lambda: [*filter(is_truncated, flood(server, [query.to_wire()] * 100))], "an answer over the limit")
        cookie = cookie_of(dns.message.from_wire(slipped[0]))
        assert len(cookie) == 24
        for _ in range(100):
            answer = ask_with_cookie(server, cookie)
            assert answer.answer and not answer.flags & dns.flags.TC


def test_by_default_five_hundred_questions_at_once_are_all_answered(tmp_path):
    with Acmezone(tmp_path, general={**DEFAULTS, "workers": 1}, api=CHEAP_ARGON2) as server:
        account = server.register()
        packets = [query_bytes(number, account["fulldomain"]) for number in range(500)]
        assert len(flood(server, packets)) == 500
        assert len(flood(server, [query_bytes(number, "example.com.") for number in range(2000)])) < 2000


def test_a_cookie_is_good_on_every_server_with_the_secret(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "rolled", "other")]
    for folder in folders:
        folder.mkdir()
    with (Acmezone(folders[0], general={"cookie_secret": SECRET}) as one,
          Acmezone(folders[1], general={"cookie_secret": SECRET}) as two,
          Acmezone(folders[2], general={"cookie_secret": OTHER_SECRET, "cookie_secret_other": SECRET}) as rolled,
          Acmezone(folders[3], general={}) as other):
        cookie = cookie_of(ask_with_cookie(one, b"abcdefgh"))
        assert cookie[:12] == b"abcdefgh\1\0\0\0" and len(cookie) == 24
        assert cookie_of(ask_with_cookie(two, cookie)) == cookie
        nothing = header(7, qd=0, ar=1) + opt_record(options=b"\0\x0a\0\x18" + cookie)
        for server, wanted in ((two, "NOERROR"), (rolled, "NOERROR"), (other, "BADCOOKIE")):
            answer = dns.message.from_wire(udp_exchange(server.dns, nothing))
            assert dns.rcode.to_text(answer.rcode()) == wanted
            assert len(cookie_of(answer)) == 24
        for server in (one, rolled):
            assert SECRET not in server.log and SECRET not in server.stderr


@pytest.mark.parametrize("secret", ["00", "x" * 32, "0" * 31 + " "])
@pytest.mark.parametrize("key", ["cookie_secret", "cookie_secret_other"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(tmp_path, key, secret):
    config = write_config(tmp_path, general={"cookie_secret": SECRET, key: secret})
    ended = run("serve", "-c", config)
    assert ended.returncode == 2
    assert f"{key}: wants 32 hexadecimal digits" in ended.stderr
    assert secret not in ended.stderr.replace(str(tmp_path), "") or secret == "00"
    assert SECRET not in ended.stderr


def test_dig_finds_cookies_nsid_and_the_reason_of_a_refusal(tmp_path):
    def dig(server, *words):
        host, port = server.dns
        done = subprocess.run(["dig", f"@{host}", "-p", str(port), *words], text=True, capture_output=True, timeout=20,
                              check=True)
        return done.stdout

    with Acmezone(tmp_path, general={"nsid": "ns-01", "cookie_secret": SECRET}) as server:
        answer = dig(server, "+cookie=0102030405060708", "+nsid", APEX, "A")
        cookie = re.search(r"COOKIE: (0102030405060708\w{32}) \(good\)", answer).group(1)
        assert '("ns-01")' in answer
        again = dig(server, f"+cookie={cookie}", "example.com.", "A")
        assert f"COOKIE: {cookie} (good)" in again
        assert "EDE: 20 (Not Authoritative)" in again
        bad = dig(server, f"+cookie={cookie[:-1]}{'0' if cookie[-1] != '0' else '1'}", APEX, "A")
        assert "COOKIE: 0102030405060708" in bad and "status: NOERROR" in bad


KNOT = """
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
mod-cookies:
  - id: shared
    secret: 0x{secret}
    badcookie-slip: 1
template:
  - id: default
    global-module: mod-cookies/shared
zone:
  - domain: "{zone}"
    file: "{folder}/zone"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
"""


def test_knot_takes_our_cookies_and_we_take_those_of_knot(tmp_path):
    """Knot answers BADCOOKIE to a cookie that it would not have made; we show by an unchanged one that we accept it."""
    port = free_port()
    (tmp_path / "zone").write_text(f"{APEX} 60 SOA ns. admin. 1 2 3 4 5\n{APEX} 60 NS ns.\n{APEX} 60 A 192.0.2.1\n")
    (tmp_path / "ours").mkdir()
    with Acmezone(tmp_path / "ours", general={"cookie_secret": SECRET}) as ours, Lab(tmp_path) as lab:
        config = lab.path("knot.conf", KNOT.format(folder=tmp_path, port=port, secret=SECRET, zone=ZONE))
        lab.start("knotd", ["knotd", "-c", config], [("127.0.0.1", port)])

        def ask_knot(cookie):
            query = dns.message.make_query(APEX, "A", use_edns=0, options=[cookie_option(cookie)])
            return ours.ask(query, at=("127.0.0.1", port))

        wait_until(lambda: ask_knot(b"knotready").rcode() in (dns.rcode.BADCOOKIE, dns.rcode.FORMERR), "knot is silent")
        assert ask_knot(b"abcdefgh").rcode() == dns.rcode.BADCOOKIE
        from_us = cookie_of(ask_with_cookie(ours, b"abcdefgh"))
        answer = ask_knot(from_us)
        assert answer.rcode() == dns.rcode.NOERROR and answer.answer
        from_knot = cookie_of(ask_knot(b"12345678"))
        assert len(from_knot) == 24
        assert cookie_of(ask_with_cookie(ours, from_knot)) == from_knot


def test_unbound_resolves_through_a_server_that_limits(tmp_path):
    """Each of the names is new to the resolver; over the limit it comes by TCP."""
    (tmp_path / "ours").mkdir()
    limited = {"workers": 1, "rrl_exempt": [], "rrl_existing_per_s": 1, "rrl_others_per_s": 1, "rrl_slip": 1,
               "records": [f"{APEX} NS {APEX}", *(f"n{number}.{ZONE}. A 192.0.2.1" for number in range(40))]}
    with Acmezone(tmp_path / "ours", general=limited) as ours, Lab(tmp_path) as lab:
        resolver = free_address()
        unbound.start(lab, resolver, [], {APEX: ours.dns})
        for number in range(40):
            answer = ours.query(f"n{number}.{ZONE}.", "A", at=resolver)
            assert answer.rcode() == dns.rcode.NOERROR and answer.answer
        counters = ours.counters()
        assert counters["rrl_slipped"] > 0 and counters["tcp_queries"] > 0


# Connections

def rss_bytes(server):
    with open(f"/proc/{server.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


@pytest.fixture
def many_files():
    """Room for four thousand sockets in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect_from(source, address, receive_bytes=None):
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.bind((source, 0))
    sock.settimeout(20)
    sock.connect(address)
    return sock


def test_two_thousand_idle_connections_do_not_disturb_udp(tmp_path, many_files):
    """From twenty addresses of 127/8, half of them with a half-sent message; only so many are kept."""
    with Acmezone(tmp_path, general={"tcp_connections": 200, "tcp_idle_s": 60, "workers": 1}) as server:
        before = rss_bytes(server)
        socks = []
        for number in range(2000):
            socks.append(connect_from(f"127.0.0.{2 + number % 20}", server.dns))
            if number % 2:
                socks[-1].sendall(framed(query_bytes(7, APEX, TYPE_A))[:20])
            if number % 100 == 0:
                assert udp_exchange(server.dns, query_bytes(number, APEX, TYPE_A))[3] & 15 == dns.rcode.NOERROR
        with tcp_socket(server.dns) as sock:
            sock.sendall(framed(query_bytes(7, APEX, TYPE_A)))
            assert receive_framed(sock)[:2] == b"\0\7"
        assert rss_bytes(server) - before < 8 << 20
        assert server.counters()["tcp_refused"] >= 1700
        for sock in socks:
            sock.close()


def test_one_client_holds_only_so_many_connections_and_others_are_served(tmp_path):
    with Acmezone(tmp_path, general={"tcp_per_client": 5, "workers": 1}) as server:
        socks = [tcp_socket(server.dns) for _ in range(5)]
        with tcp_socket(server.dns) as sixth:
            assert is_closed_by_peer(sixth)
        with connect_from("127.0.0.77", server.dns) as other:
            other.sendall(framed(query_bytes(7, APEX, TYPE_A)))
            assert receive_framed(other)[:2] == b"\0\7"
        for sock in socks:
            sock.sendall(framed(query_bytes(7, APEX, TYPE_A)))
            assert receive_framed(sock)[:2] == b"\0\7", "those that it holds are served"
        socks.pop().close()

        def is_served():
            with tcp_socket(server.dns) as sock:
                try:
                    sock.sendall(framed(query_bytes(7, APEX, TYPE_A)))
                except OSError:
                    return False
                return receive_framed(sock)[:2] == b"\0\7"

        wait_until(is_served, "a connection that was closed still counts")
        assert server.counters()["tcp_client_refused"] >= 1
        for sock in socks:
            sock.close()


def test_clients_that_never_read_take_a_bounded_amount_of_memory(tmp_path):
    """Two hundred of them ask for 40 MiB and more; 16 MiB are held, whoever wants more is closed, UDP goes on."""
    general = {"txt_values": 64, "tcp_idle_s": 60, "workers": 1}
    with Acmezone(tmp_path, general=general, api=CHEAP_ARGON2) as server:
        account = server.register()
        for number in range(64):
            server.update(account, f"{number:_>43}")
        stream = framed(query_bytes(7, account["fulldomain"])) * 3000
        before = rss_bytes(server)
        socks = []
        for number in range(200):
            sock = connect_from(f"127.0.0.{2 + number % 4}", server.dns, receive_bytes=4096)
            sock.setblocking(False)
            socks.append(sock)
        waiting = list(socks)

        def is_refused():
            for sock in list(waiting):
                try:
                    sock.send(stream)
                except BlockingIOError:
                    pass
                except OSError:
                    waiting.remove(sock)
            assert udp_exchange(server.dns, query_bytes(9, APEX, TYPE_A))[:2] == b"\0\x09"
            return server.counters()["tcp_held_refused"] >= 5

        wait_until(is_refused, "nobody is closed")
        assert rss_bytes(server) - before < (16 + 8) << 20
        for sock in socks:
            sock.close()


def test_a_server_without_descriptors_gives_up_its_oldest_connection(tmp_path, many_files):
    general = {"tcp_idle_s": 60, "workers": 1}
    with Acmezone(tmp_path, general=general, wrapper=["prlimit", "--nofile=64:64"]) as server:
        socks = []
        for number in range(200):
            socks.append(connect_from(f"127.0.0.{2 + number % 20}", server.dns))
            socks[-1].sendall(framed(query_bytes(number, APEX, TYPE_A)))
            assert receive_framed(socks[-1])[:2] == bytes([0, number])
        assert udp_exchange(server.dns, query_bytes(7, APEX, TYPE_A))[3] & 15 == dns.rcode.NOERROR
        assert server.counters()["tcp_refused"] >= 100
        for sock in socks:
            sock.close()
