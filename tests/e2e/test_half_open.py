# SPDX-License-Identifier: MIT
"""Ten thousand TCP handshakes that are begun and never ended, from forged addresses, disturb nobody.

In a network namespace of its own, as it takes forged packets; answers to the forged addresses lead nowhere. Needs root:
`make e2e` leaves this file out for anybody else.
"""

import random
import re
import socket
import struct
import time
from pathlib import Path

import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, wait_until
from lab.namespace import inside, ip, namespace_with
from wire import (NOERROR, TYPE_A, framed, query_bytes, rcode, receive_framed, tcp_socket, udp_exchange)

SERVER = "198.51.100.53"
FORGED = "10.0.0.0/8"
N_HALF_OPEN = 10_000
SYN, SYN_RECEIVED = 2, "03"
QUERY = query_bytes(7, f"{ZONE}.", TYPE_A)


@pytest.fixture
def namespace():
    with namespace_with([SERVER]) as name:
        ip("-n", name, "route", "add", FORGED, "dev", "lo")
        yield name


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(source, destination, ports, sequence):
    """The first packet of a handshake; the kernel fills in the checksum of the IP header."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    tcp = struct.pack("!2HIIBBHHH", *ports, sequence, 0, 5 << 4, SYN, 65535, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + addresses + tcp


def begin_handshakes(address, n):
    """From as many forged addresses, in the network where this is called."""
    numbers = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(n):
            source = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            ports = (numbers.randrange(1024, 65536), address[1])
            raw.sendto(syn(source, address[0], ports, numbers.randrange(1 << 32)), (address[0], 0))


def n_half_open(server):
    rows = Path(f"/proc/{server.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(row.split()[3] == SYN_RECEIVED for row in rows)


def n_cookies_sent(server):
    """Handshakes that the kernel answered without keeping them: its table was full."""
    names, values = re.findall(r"^TcpExt: (.*)$", Path(f"/proc/{server.pid}/net/netstat").read_text(encoding="ascii"), re.M)
    return int(dict(zip(names.split(), values.split()))["SyncookiesSent"])


def n_descriptors(server):
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def test_ten_thousand_half_open_connections_disturb_nobody(tmp_path, namespace):
    general = {"listen": f"{SERVER}:53", "workers": 2}
    with Acmezone(tmp_path, general=general, api=CHEAP_ARGON2, wrapper=["ip", "netns", "exec", namespace]) as server:
        before = n_descriptors(server)
        with inside(namespace):
            begin_handshakes(server.dns, N_HALF_OPEN)
            wait_until(lambda: n_half_open(server) + n_cookies_sent(server) >= N_HALF_OPEN / 2, "the handshakes")
            assert n_half_open(server) > 0
            began = time.monotonic()
            for _ in range(200):
                assert rcode(udp_exchange(server.dns, QUERY)) == NOERROR
            for _ in range(20):
                with tcp_socket(server.dns) as sock:
                    sock.sendall(framed(QUERY))
                    assert receive_framed(sock)[:2] == QUERY[:2]
            print(f"{n_half_open(server)} half open, {n_cookies_sent(server)} not kept; 220 questions took {time.monotonic() - began:.2f} s")
        assert server.counters()["tcp_connections"] == 20, "the server never hears of the others"
        wait_until(lambda: n_descriptors(server) <= before + 8, "the connections to go")
