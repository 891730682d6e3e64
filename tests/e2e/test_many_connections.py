# SPDX-License-Identifier: MIT
"""Ten thousand connections that are held and do nothing: UDP and new clients do not notice, memory is bounded, all comes back.

Half of them have sent the first byte of a message. What is held in the kernel alone, handshakes that never end, has
test_half_open.py. And the other end of it: fewer descriptors than the configuration wants.
"""

import contextlib
import re
import resource
import socket
import time
from pathlib import Path

import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, wait_until
from test_privilege import is_instrumented
from wire import NOERROR, TYPE_A, framed, query_bytes, rcode, receive_framed, udp_exchange

N_IDLE = 10_000
N_ADDRESSES = 2000  # that they come from; a few may be counted as one client
NEWCOMER = "127.77.0.1"
SPARE = 8  # descriptors that loops open when they first need them
BYTES_EACH = 2048  # most that the server may take for one of them
QUERY = query_bytes(7, f"{ZONE}.", TYPE_A)


@pytest.fixture
def n_idle():
    """As many as this process and the server, which inherits its limits, may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = N_IDLE * 13 // 10
    with contextlib.suppress(ValueError, OSError):  # only root may raise the hard one
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, wanted), max(hard, wanted)))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (now, now))
    yield min(N_IDLE, now * 3 // 4 // 500 * 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, now)))


def connect_from(source, address):
    sock = socket.socket()
    sock.settimeout(60)
    sock.bind((source, 0))
    sock.connect(address)
    return sock


def memory_bytes(server):
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1]) * 1024


def n_descriptors(server):
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def ask_over_udp(server, n):
    """Seconds that the slowest of n questions took; none is lost."""
    took = []
    for _ in range(n):
        began = time.monotonic()
        assert rcode(udp_exchange(server.dns, QUERY)) == NOERROR
        took.append(time.monotonic() - began)
    return max(took)


def ask_as_newcomer(server):
    with connect_from(NEWCOMER, server.dns) as sock:
        sock.sendall(framed(QUERY))
        assert receive_framed(sock)[:2] == QUERY[:2]


def hold(server, n, stack):
    """No faster than they are accepted: the kernel forgets some of those that do not fit into the queue."""
    before = server.counters()["tcp_connections"]
    for number in range(n):
        source = f"127.1.{number % N_ADDRESSES // 200}.{1 + number % 200}"
        sock = stack.enter_context(connect_from(source, server.dns))
        if number % 2:
            sock.send(b"\0")
        if number % 500 == 499:
            ask_over_udp(server, 1)
            ask_as_newcomer(server)
            n_made = number + 1 + (number + 1) // 500  # one newcomer each time
            wait_until(lambda: server.counters()["tcp_connections"] - before >= n_made, "all to be accepted")


def test_ten_thousand_idle_connections_disturb_nobody_and_are_all_given_back(tmp_path, n_idle):
    # The limit is divided among the workers, the connections are not divided evenly.
    general = {"tcp_connections": n_idle * 12 // 10, "tcp_idle_s": 3600, "workers": 2}
    with Acmezone(tmp_path, general=general, api={**CHEAP_ARGON2, "connections": 100}) as server:
        account = server.register()  # its connection stays, too
        before = memory_bytes(server), n_descriptors(server)
        held = []
        for _ in range(2):
            with contextlib.ExitStack() as stack:
                hold(server, n_idle, stack)
                assert n_descriptors(server) >= before[1] - 1 + n_idle  # the API may have closed the account's
                held.append(memory_bytes(server))
                slowest_s = ask_over_udp(server, 200)
                for _ in range(20):
                    ask_as_newcomer(server)
                assert server.update(account, "x" * 43).status_code == 200
            wait_until(lambda: n_descriptors(server) <= before[1] + SPARE, "the descriptors to come back")
        assert not server.events_named("serve.few_descriptors")
        assert server.counters()["tcp_refused"] == server.counters()["tcp_client_refused"] == 0
        print(f"{n_idle} held: {(held[0] - before[0]) / n_idle:.0f} bytes each, slowest of 200 questions over UDP {slowest_s * 1000:.1f} ms")
        if is_instrumented(server):  # its books are larger, and it keeps back what is freed
            assert held[0] - before[0] <= n_idle * BYTES_EACH * 4
        else:
            assert held[0] - before[0] <= n_idle * BYTES_EACH
            assert held[1] - held[0] <= 1 << 20, "the second ten thousand take what the first gave back"


def test_by_default_a_thousand_are_kept_and_who_asks_is_served(tmp_path, n_idle):
    with Acmezone(tmp_path, general={"workers": 2}, api=CHEAP_ARGON2) as server, contextlib.ExitStack() as stack:
        before = n_descriptors(server)
        hold(server, n_idle, stack)
        assert n_descriptors(server) <= before + 1024 + SPARE
        ask_over_udp(server, 200)
        ask_as_newcomer(server)


def test_with_few_descriptors_the_limits_are_lowered_and_told_and_everybody_is_served(tmp_path):
    few = ["prlimit", "--nofile=64:200"]
    with Acmezone(tmp_path, general={"workers": 2}, api=CHEAP_ARGON2, wrapper=few) as server, contextlib.ExitStack() as stack:
        told = server.events_named("serve.few_descriptors")[0]
        assert (told["level"], told["limit"]) == ("warn", 200) and told["wanted"] > 2048
        assert told["tcp_connections"] + told["api_connections"] < 200
        hold(server, 1000, stack)
        assert server.counters()["tcp_refused"] >= 400
        assert n_descriptors(server) < 200
        ask_over_udp(server, 100)
        ask_as_newcomer(server)
        assert server.update(server.register(), "x" * 43).status_code == 200
