# SPDX-License-Identifier: MIT
"""Where DNS and the API are served: several addresses, all of them, and the words of `protocol`."""

import socket

import pytest

from acmezone import ZONE, Acmezone
from wire import AA, TYPE_A, framed, parse_header, query_bytes, receive_framed, tcp_socket, udp_exchange

QUERY = query_bytes(7, f"{ZONE}.", TYPE_A)
IPV4, IPV6 = "127.0.0.1", "::1"


def answers_udp(address):
    try:
        return bool(parse_header(udp_exchange(address, QUERY))[1] & AA)
    except ConnectionRefusedError:
        return False


def answers_tcp(address):
    try:
        with tcp_socket(address) as sock:
            sock.sendall(framed(QUERY))
            return receive_framed(sock)[:2] == QUERY[:2]
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize("listen, hosts", [
    ("127.0.0.1:0", ["127.0.0.1"]),
    ("[::1]:0", ["::1"]),
    ("127.0.0.1:0,[::1]:0", ["127.0.0.1", "::1"]),
    ("127.0.0.1:0, 127.0.0.2:0", ["127.0.0.1", "127.0.0.2"]),
    (["127.0.0.1:0", "[::1]:0", "127.0.0.3:0"], ["127.0.0.1", "::1", "127.0.0.3"]),
])
def test_each_listen_address_answers_on_one_port_for_udp_and_tcp(tmp_path, listen, hosts):
    with Acmezone(tmp_path, general={"listen": listen}) as server:
        assert [host for host, _ in server.dns_all] == hosts
        assert all(port for _, port in server.dns_all)
        for address in server.dns_all:
            assert answers_udp(address)
            assert answers_tcp(address)


@pytest.mark.parametrize("listen, hosts", [
    (":0", ["127.0.0.1", "127.0.0.2", "::1"]), ("[::]:0", ["127.0.0.1", "127.0.0.2", "::1"]),
    ("0.0.0.0:0", ["127.0.0.1", "127.0.0.2"])])
def test_on_all_addresses_the_answer_comes_from_the_one_that_was_asked(tmp_path, listen, hosts):
    """The sockets here are connected: an answer from another address would not reach them."""
    with Acmezone(tmp_path, general={"listen": listen}) as server:
        for host in hosts:
            is_v6 = ":" in host
            port = next(port for bound, port in server.dns_all if (":" in bound) == is_v6)
            for _ in range(8):
                assert answers_udp((host, port))
            assert answers_tcp((host, port))
        if listen == "0.0.0.0:0":
            assert not answers_udp((IPV6, server.dns[1]))


@pytest.mark.parametrize("protocol, has_udp, has_tcp, hosts", [
    ("both", True, True, [IPV4, IPV6]), ("both4", True, True, [IPV4]), ("both6", True, True, [IPV6]),
    ("udp", True, False, [IPV4, IPV6]), ("udp4", True, False, [IPV4]), ("udp6", True, False, [IPV6]),
    ("tcp", False, True, [IPV4, IPV6]), ("tcp4", False, True, [IPV4]), ("tcp6", False, True, [IPV6]),
    (None, True, True, [IPV4, IPV6]),
])
def test_protocol_chooses_transports_and_families(tmp_path, protocol, has_udp, has_tcp, hosts):
    with Acmezone(tmp_path, general={"listen": ":0", "protocol": protocol}) as server:
        assert {":" in host for host, _ in server.dns_all} == {":" in host for host in hosts}
        for host in (IPV4, IPV6):
            ports = {port for bound, port in server.dns_all if (":" in bound) == (":" in host)} or {server.dns[1]}
            for port in ports:
                assert answers_udp((host, port)) == (has_udp and host in hosts)
                assert answers_tcp((host, port)) == (has_tcp and host in hosts)


@pytest.mark.parametrize("ip, hosts", [("127.0.0.1", ["127.0.0.1"]), ("::1", ["[::1]"]),
                                       (["127.0.0.1", "::1"], ["127.0.0.1", "[::1]"])])
def test_the_api_listens_on_each_of_its_addresses(tmp_path, ip, hosts):
    with Acmezone(tmp_path, api={"ip": ip}) as server:
        assert [api.split("//")[1].rpartition(":")[0] for api in server.apis] == hosts
        for api in server.apis:
            assert server.http.get(f"{api}/health").status_code == 200


def test_an_answer_over_udp_survives_a_burst_from_many_clients(server):
    """Batches are answered to each sender."""
    socks = []
    for ident in range(200):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(10)
        sock.connect(server.dns)
        sock.send(query_bytes(ident, f"{ZONE}.", TYPE_A))
        socks.append(sock)
    for ident, sock in enumerate(socks):
        assert parse_header(sock.recv(65535))[0] == ident
        sock.close()
