# SPDX-License-Identifier: MIT
"""DNS over TCP (RFC 7766, RFC 9210): pipelining, framing, idle and connection limits."""

import select
import socket
import struct
import threading
import time

import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, wait_until
from wire import (NOERROR, NXDOMAIN, TYPE_A, framed, is_closed_by_peer, parse_header, query_bytes, rcode,
                  receive_framed, tcp_socket, udp_exchange)

APEX = f"{ZONE}."
QUERY = query_bytes(7, APEX, TYPE_A)


def is_served(sock):
    """Asks on the connection; False when the server has closed it."""
    try:
        sock.sendall(framed(QUERY))
    except (BrokenPipeError, ConnectionResetError):
        return False
    answer = receive_framed(sock)
    return answer[:2] == QUERY[:2] and rcode(answer) == NOERROR


def test_one_connection_answers_query_after_query(server):
    with tcp_socket(server.dns) as sock:
        assert all(is_served(sock) for _ in range(50))


@pytest.mark.parametrize("n_queries", [2, 100, 3000])
def test_pipelined_queries_are_all_answered(server, n_queries):
    """Sent without waiting, while another thread reads: the answers are a permutation of the questions."""
    names = [f"x{number}.{ZONE}." if number % 2 else APEX for number in range(n_queries)]
    with tcp_socket(server.dns) as sock:
        stream = b"".join(framed(query_bytes(ident, name, TYPE_A)) for ident, name in enumerate(names))
        writer = threading.Thread(target=sock.sendall, args=(stream,))
        writer.start()
        answers = [receive_framed(sock) for _ in range(n_queries)]
        writer.join()
    assert sorted(parse_header(answer)[0] for answer in answers) == list(range(n_queries))
    assert all(rcode(answer) == (NXDOMAIN if parse_header(answer)[0] % 2 else NOERROR) for answer in answers)


def test_a_client_that_reads_late_gets_every_answer(tmp_path):
    """More answers than all buffers between the two hold, before the first is read: the server waits and loses none."""
    n_queries, n_values = 5000, 64
    with Acmezone(tmp_path, general={"txt_values": n_values}, api=CHEAP_ARGON2) as server:
        account = server.register()
        for number in range(n_values):
            server.update(account, f"{number:_>43}")
        query = query_bytes(7, account["fulldomain"])
        length = len(query) + n_values * 56
        with tcp_socket(server.dns) as sock, tcp_socket(server.dns) as other:
            writer = threading.Thread(target=sock.sendall, args=(framed(query) * n_queries,))
            writer.start()
            writer.join(0.3)
            assert is_served(other), "one who does not read holds up nobody else"
            for _ in range(n_queries):
                answer = receive_framed(sock)
                assert (answer[:2], len(answer)) == (query[:2], length)
            writer.join()
            assert is_served(sock)


def test_a_client_that_never_reads_is_closed(tmp_path):
    with Acmezone(tmp_path, general={"txt_values": 64, "tcp_idle_s": 1}, api=CHEAP_ARGON2) as server:
        account = server.register()
        for number in range(64):
            server.update(account, f"{number:_>43}")
        stream = framed(query_bytes(7, account["fulldomain"])) * 5000
        with tcp_socket(server.dns) as sock, pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                sock.sendall(stream)


def test_a_message_may_be_split_at_every_byte(server):
    message = framed(QUERY)
    with tcp_socket(server.dns) as sock:
        for at in range(1, len(message)):
            sock.sendall(message[:at])
            time.sleep(0.002)  # so that the two parts arrive apart
            sock.sendall(message[at:])
            assert receive_framed(sock)[:2] == QUERY[:2]


def test_two_messages_may_be_split_anywhere_across_their_border(server):
    stream = framed(QUERY) * 2
    with tcp_socket(server.dns) as sock:
        for at in range(len(stream) // 2 - 2, len(stream) // 2 + 4):
            sock.sendall(stream[:at])
            time.sleep(0.002)
            sock.sendall(stream[at:])
            assert receive_framed(sock)[:2] == receive_framed(sock)[:2] == QUERY[:2]


def test_the_end_of_the_questions_is_not_the_end_of_the_answers(server):
    """A client may shut down its sending side and still read."""
    with tcp_socket(server.dns) as sock:
        sock.sendall(framed(QUERY) * 100)
        sock.shutdown(socket.SHUT_WR)
        for _ in range(100):
            assert receive_framed(sock)[:2] == QUERY[:2]
        assert is_closed_by_peer(sock)


@pytest.mark.parametrize("garbage", [b"\0\0", b"\0\1x", b"\xff\xff" + b"x" * 65535, b"\0\x0c" + bytes(12),
                                     b"GET / HTTP/1.1\r\n\r\n"],
                         ids=["length 0", "length 1", "65535 bytes", "empty header", "HTTP"])
def test_garbage_on_one_connection_does_not_disturb_another(server, garbage):
    with tcp_socket(server.dns) as good, tcp_socket(server.dns) as bad:
        bad.sendall(garbage)
        assert is_served(good)
        assert udp_exchange(server.dns, QUERY)[:2] == QUERY[:2]


def test_clients_that_vanish_disturb_nobody(server):
    for number in range(50):
        sock = tcp_socket(server.dns)
        sock.sendall((framed(QUERY) * 20)[:number * 5])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
        sock.close()
    with tcp_socket(server.dns) as sock:
        assert is_served(sock)


def test_a_silent_connection_is_closed_and_a_busy_one_is_not(tmp_path):
    with Acmezone(tmp_path, general={"tcp_idle_s": 2}) as server:
        with tcp_socket(server.dns) as silent, tcp_socket(server.dns) as busy, tcp_socket(server.dns) as half:
            half.sendall(framed(QUERY)[:5])

            def are_others_closed():
                assert is_served(busy)
                return {silent, half} <= set(select.select([silent, half], [], [], 0)[0])

            wait_until(are_others_closed, "the silent connections to be closed")
            assert is_closed_by_peer(silent) and is_closed_by_peer(half)
            assert is_served(busy)
        assert server.counters()["tcp_idle"] == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_are_limited_and_udp_does_not_suffer(tmp_path, workers):
    limit = 6
    with Acmezone(tmp_path, general={"tcp_connections": limit, "workers": workers}) as server:
        socks = []
        for _ in range(4 * limit):
            socks.append(tcp_socket(server.dns))
            is_served(socks[-1])
        assert sum(is_served(sock) for sock in socks) <= limit
        assert udp_exchange(server.dns, QUERY)[:2] == QUERY[:2]
        for sock in socks:
            sock.close()
        with tcp_socket(server.dns) as sock:
            assert is_served(sock)
        assert server.counters()["tcp_refused"] > 0


def test_silent_connections_do_not_keep_a_new_client_out(tmp_path):
    """Whoever holds connections open without asking gives way to one who asks."""
    with Acmezone(tmp_path, general={"tcp_connections": 4, "workers": 1}) as server:
        silent = [tcp_socket(server.dns) for _ in range(4)]
        with tcp_socket(server.dns) as sock:
            assert is_served(sock)
        for sock in silent:
            sock.close()


def test_values_show_over_tcp_as_soon_as_the_update_is_answered(server, new_txt):
    account = server.register()
    with tcp_socket(server.dns) as sock:
        for _ in range(20):
            value = new_txt()
            assert server.update(account, value).status_code == 200
            sock.sendall(framed(query_bytes(1, account["fulldomain"])))
            assert value.encode() in receive_framed(sock)


def test_every_worker_shows_a_value_as_soon_as_the_update_is_answered(tmp_path, new_txt):
    """UDP sockets of many source ports reach all workers; none may lag behind the answer of the API."""
    with Acmezone(tmp_path, general={"workers": 4, "txt_values": 1}, api=CHEAP_ARGON2) as server:
        account = server.register()
        for _ in range(20):
            value = new_txt()
            assert server.update(account, value).status_code == 200
            for _ in range(16):
                assert value.encode() in udp_exchange(server.dns, query_bytes(1, account["fulldomain"]))
