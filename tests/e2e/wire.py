# SPDX-License-Identifier: MIT
"""Bytes on sockets, for what libraries would tidy up: raw HTTP requests, raw DNS packets, DNS over a TCP connection."""

import http.client
import socket
import struct
from urllib.parse import urlsplit

from acmezone import DEADLINE_S

# DNS header flags and numbers, RFC 1035 4.1.1
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
TYPE_A, TYPE_TXT, TYPE_OPT, CLASS_IN = 1, 16, 41, 1


# HTTP

def http_socket(api):
    """A connection to the API's plain HTTP port."""
    url = urlsplit(api)
    return socket.create_connection((url.hostname, url.port), DEADLINE_S)


def read_response(connection, method="POST"):
    """The next response on the connection, its body read into .body."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    response.body = response.read()
    return response


def request_bytes(request_line, headers=(), body=b""):
    """A request with exactly these headers, in this order; Content-Length is the caller's."""
    lines = [f"{request_line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(api, request, method="POST"):
    """Sends the bytes on a connection of their own and returns the response."""
    with http_socket(api) as connection:
        connection.sendall(request)
        return read_response(connection, method)


# DNS

def name_bytes(name):
    """A name without escapes in wire form: 'a.b.' -> \\1a\\1b\\0."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def header(ident, flags=0, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", ident, flags, qd, an, ns, ar)


def question(name, rdtype=TYPE_TXT, rdclass=CLASS_IN):
    return name_bytes(name) + struct.pack("!2H", rdtype, rdclass)


def opt_record(size=1232, version=0, flags=0, options=b"", owner=b"\0"):
    """An OPT record, RFC 6891 6.1.2."""
    return owner + struct.pack("!HHBBHH", TYPE_OPT, size, 0, version, flags, len(options)) + options


def query_bytes(ident, name, rdtype=TYPE_TXT, rdclass=CLASS_IN, flags=0, opt=b""):
    return header(ident, flags, ar=1 if opt else 0) + question(name, rdtype, rdclass) + opt


def parse_header(packet):
    """(id, flags, qdcount, ancount, nscount, arcount)"""
    return struct.unpack("!6H", packet[:12])


def rcode(packet):
    return packet[3] & 15


def udp_socket(address):
    """A UDP socket connected to the server: it takes answers only from the address that was asked."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(DEADLINE_S)
    sock.connect(address)
    return sock


def udp_exchange(address, packet):
    with udp_socket(address) as sock:
        sock.send(packet)
        return sock.recv(65535)


def tcp_socket(address):
    sock = socket.create_connection(address, DEADLINE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def framed(packet):
    """With the two-byte length of RFC 1035 4.2.2."""
    return struct.pack("!H", len(packet)) + packet


def receive_exactly(sock, n_bytes):
    """n_bytes from the socket, or fewer if the peer closed it."""
    data = b""
    while len(data) < n_bytes:
        try:
            part = sock.recv(n_bytes - len(data))
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    return data


def receive_framed(sock):
    """The next message of a DNS TCP connection, b"" when the peer closed it."""
    length = receive_exactly(sock, 2)
    return receive_exactly(sock, struct.unpack("!H", length)[0]) if len(length) == 2 else b""


def is_closed_by_peer(sock):
    """Waits until the peer closes the connection; fails by timeout when it does not."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
