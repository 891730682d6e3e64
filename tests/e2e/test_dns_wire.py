# SPDX-License-Identifier: MIT
"""DNS as bytes over UDP: the echoed question, flags, EDNS, sizes, and what malformed packets get."""

import random
import string
import struct

import dns.flags
import dns.message
import dns.rcode
import pytest

from acmezone import CHEAP_ARGON2, DEADLINE_S, ZONE, Acmezone
from packets import DROPPED, GOOD, MALFORMED, OPTIONS
from wire import (AA, AD, CD, FORMERR, NOERROR, NXDOMAIN, QR, RA, RD, TC, TYPE_A, TYPE_TXT, framed, header,
                  name_bytes, opt_record, parse_header, query_bytes, rcode, receive_framed, tcp_socket,
                  udp_exchange, udp_socket)

APEX = f"{ZONE}."


@pytest.fixture(scope="module")
def published(server):
    """An account with two values."""
    account = server.register()
    for value in ("a" * 43, "b" * 43):
        assert server.update(account, value).status_code == 200
    return account


# The question comes back

def test_the_case_of_the_question_is_echoed_to_the_byte(server, published):
    dice = random.Random(20)
    for name in (published["fulldomain"], APEX, f"nothing.{ZONE}", "example.com") * 5:
        mixed = "".join(dice.choice([str.lower, str.upper])(letter) for letter in name)
        packet = query_bytes(dice.randrange(65536), mixed)
        answer = udp_exchange(server.dns, packet)
        assert answer[12:len(packet)] == packet[12:]
        assert answer[:2] == packet[:2]


def test_the_owner_of_the_values_is_a_pointer_to_the_question(server, published):
    packet = query_bytes(1, published["fulldomain"])
    answer = udp_exchange(server.dns, packet)
    start = len(packet)
    for _ in range(2):
        owner, rdtype, rdclass, ttl, length, text = struct.unpack("!HHHIHB", answer[start:start + 13])
        assert (owner, rdtype, rdclass, ttl, length, text) == (0xC00C, TYPE_TXT, 1, 0, 44, 43)
        start += 12 + length
    assert start == len(answer)


@pytest.mark.parametrize("name, code", [(APEX, NOERROR), (f"nothing.{ZONE}.", NXDOMAIN), ("example.com.", 5)])
@pytest.mark.parametrize("sent", [0, RD, CD, RD | CD, AD, RA, TC, AA, 0x0040])
def test_flags_are_ours_except_the_echoed_ones(server, name, code, sent):
    flags = parse_header(udp_exchange(server.dns, query_bytes(1, name, TYPE_A, flags=sent)))[1]
    assert flags & QR
    assert flags & 15 == code
    assert flags & RD == sent & RD
    assert bool(flags & AA) == (code != 5)
    assert not flags & (RA | TC | AD | 0x0040)


# EDNS, RFC 6891

def opt_of(answer):
    """(UDP size, extended rcode, version, flags, options) of the packet's OPT record, None without one."""
    message = dns.message.from_wire(answer)
    if message.edns < 0:
        return None
    return message.payload, message.ednsflags >> 24, message.edns, message.ednsflags & 0xFFFF, message.options


NAMES = {"apex": APEX, "missing": f"nothing.{ZONE}.", "outside": "example.com."}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_without_edns_in_the_question_there_is_none_in_the_answer(server, name):
    assert opt_of(udp_exchange(server.dns, query_bytes(1, name))) is None


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("do_bit", [0, 0x8000])
@pytest.mark.parametrize("size", [0, 511, 512, 1232, 4096, 65535])
def test_our_edns_advertises_1232_and_echoes_the_do_bit(server, name, do_bit, size):
    answer = udp_exchange(server.dns, query_bytes(1, name, opt=opt_record(size, flags=do_bit)))
    assert opt_of(answer) == (1232, 0, 0, do_bit, ())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("version", [1, 2, 255])
def test_another_edns_version_is_badvers(server, name, version):
    answer = udp_exchange(server.dns, query_bytes(1, name, opt=opt_record(version=version)))
    size, extended, answered_version, _, _ = opt_of(answer)
    assert extended << 4 | rcode(answer) == dns.rcode.BADVERS
    assert (size, answered_version) == (1232, 0)
    assert parse_header(answer)[3] == 0


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS.keys())
def test_unknown_options_are_ignored(server, published, option):
    answer = udp_exchange(server.dns, query_bytes(1, published["fulldomain"], opt=opt_record(options=option)))
    assert rcode(answer) == NOERROR
    assert parse_header(answer)[3] == 2
    assert not {option.otype for option in opt_of(answer)[4]} & {8, 12, 65001, 100}


# Sizes

@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A server with an account that has 64 values, and one with 10."""
    with Acmezone(tmp_path_factory.mktemp("large"), general={"txt_values": 64}, api=CHEAP_ARGON2) as server:
        server.accounts = {n: server.register() for n in (10, 64)}
        for n, account in server.accounts.items():
            for number in range(n):
                assert server.update(account, f"{number:_>43}").status_code == 200
        yield server


@pytest.mark.parametrize("size, limit", [(None, 512), (0, 512), (100, 512), (512, 512), (513, 513), (700, 700),
                                         (1231, 1231), (1232, 1232), (1233, 1232), (4096, 1232), (65535, 1232)])
def test_an_answer_over_the_limit_is_truncated_and_whole_over_tcp(large, size, limit):
    opt = opt_record(size) if size is not None else b""
    for n, account in large.accounts.items():
        packet = query_bytes(1, account["fulldomain"], opt=opt)
        whole = len(packet) + n * 56
        answer = udp_exchange(large.dns, packet)
        message = dns.message.from_wire(answer)
        assert len(answer) <= limit
        assert bool(message.flags & dns.flags.TC) == (whole > limit)
        assert (message.edns == 0) == (size is not None), "the OPT record survives truncation"
        if whole <= limit:
            assert len(message.answer[0]) == n
        with tcp_socket(large.dns) as sock:
            sock.sendall(framed(packet))
            message = dns.message.from_wire(receive_framed(sock))
            assert not message.flags & dns.flags.TC
            assert len(message.answer[0]) == n


def test_a_resolver_gets_all_values_by_falling_back_to_tcp(large):
    message = dns.message.make_query(large.accounts[64]["fulldomain"], "TXT", use_edns=0, payload=1232)
    answer, used_tcp = dns.query.udp_with_fallback(message, large.dns[0], port=large.dns[1], timeout=DEADLINE_S)
    assert used_tcp
    assert len(answer.answer[0]) == 64


@pytest.mark.parametrize("udp_max_bytes", [512, 4096])
def test_the_largest_udp_answer_is_configurable(tmp_path, udp_max_bytes):
    with Acmezone(tmp_path, general={"txt_values": 64, "udp_max_bytes": udp_max_bytes}, api=CHEAP_ARGON2) as server:
        account = server.register()
        for number in range(20):
            server.update(account, f"{number:_>43}")
        for size in (512, 1232, 4096):
            answer = udp_exchange(server.dns, query_bytes(1, account["fulldomain"], opt=opt_record(size)))
            message = dns.message.from_wire(answer)
            limit = min(size, udp_max_bytes)
            assert len(answer) <= limit
            assert bool(message.flags & dns.flags.TC) == (limit < 20 * 56)
            assert message.payload == udp_max_bytes


# Malformed packets

@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_question_is_formerr_over_udp_and_tcp(server, packet):
    with tcp_socket(server.dns) as sock:
        sock.sendall(framed(packet))
        for answer in (udp_exchange(server.dns, packet), receive_framed(sock)):
            ident, flags, _, n_answer, n_authority, _ = parse_header(answer)
            assert (ident, flags & 15, n_answer, n_authority) == (9, FORMERR, 0, 0)
            assert flags & QR
            assert not flags & AA
            assert len(answer) <= len(packet) + 11, "no amplification, an OPT record aside"


def test_short_packets_and_answers_are_dropped_silently_and_counted(server):
    before = server.counters()
    for packet in DROPPED.values():
        with udp_socket(server.dns) as sock:
            sock.send(packet)
            sock.send(query_bytes(4711, APEX))
            answer = sock.recv(65535)
            assert parse_header(answer)[0] == 4711, "the first answer belongs to the second packet"
    after = server.counters()
    assert after["dropped"] - before["dropped"] == len(DROPPED)
    assert after["udp_queries"] - before["udp_queries"] == 2 * len(DROPPED)


def test_short_messages_and_answers_are_not_answered_over_tcp_either(server):
    for packet in DROPPED.values():
        with tcp_socket(server.dns) as sock:
            sock.sendall(framed(packet) + framed(query_bytes(4711, APEX)))
            answer = receive_framed(sock)
            assert answer == b"" or parse_header(answer)[0] == 4711


def test_nothing_random_gets_anything_but_an_answer_or_silence(server):
    """Mutations of good packets: each answer is well-formed, belongs to its packet, and is no longer than allowed."""
    dice = random.Random(4711)
    seeds = [query_bytes(0, f"x.{ZONE}."), query_bytes(0, APEX, TYPE_A, opt=opt_record()),
             query_bytes(0, "example.com.", opt=opt_record(options=OPTIONS["client subnet"])), *MALFORMED.values()]
    n_sent = n_answered = 0
    with udp_socket(server.dns) as sock:
        for ident in range(3000):
            packet = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(1, 4)):
                kind = dice.randrange(3)
                at = dice.randrange(len(packet))
                if kind == 0:
                    packet[at] = dice.randrange(256)
                elif kind == 1:
                    packet[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 9)))
                else:
                    del packet[at:at + dice.randrange(1, 9)]
                packet = packet or bytearray(1)
            sock.send(struct.pack("!H", ident) + packet[2:])
            sock.send(query_bytes(0xFFFF, APEX, TYPE_A))
            n_sent += 1
            while (answer := sock.recv(65535))[:2] != b"\xff\xff":
                n_answered += 1
                assert parse_header(answer)[0] == ident
                assert answer[2] & 0x80
                assert len(answer) <= 1232
                if answer[2] & 0x78 == 0:  # an answer to a query; other opcodes get a header, and perhaps the question
                    dns.message.from_wire(answer)
    assert 0 < n_answered <= n_sent


def test_what_was_answered_is_counted_by_kind(server, published):
    cases = [
        ("noerror", query_bytes(1, published["fulldomain"])), ("noerror", query_bytes(1, APEX, TYPE_A)),
        ("nodata", query_bytes(1, APEX, TYPE_TXT)), ("nxdomain", query_bytes(1, f"nothing.{ZONE}.")),
        ("refused", query_bytes(1, "example.com.")), ("formerr", GOOD + b"x"),
        ("notimp", query_bytes(1, APEX, flags=4 << 11)), ("badvers", query_bytes(1, APEX, opt=opt_record(version=1)))]
    before = server.counters()
    for _, packet in cases:
        udp_exchange(server.dns, packet)
    kinds = [kind for kind, _ in cases]
    expected = {kind: kinds.count(kind) for kind in kinds} | {"udp_queries": len(cases), "servfail": 0, "dropped": 0}
    after = server.counters()
    assert {kind: after[kind] - before[kind] for kind in expected} == expected


def test_names_of_every_printable_byte_are_echoed_and_missing(server):
    for letter in string.printable.encode():
        label = bytes([3, letter, letter, letter])
        packet = header(5) + label + name_bytes(APEX) + struct.pack("!2H", TYPE_TXT, 1)
        answer = udp_exchange(server.dns, packet)
        assert rcode(answer) == NXDOMAIN
        assert answer[12:len(packet)] == packet[12:]
