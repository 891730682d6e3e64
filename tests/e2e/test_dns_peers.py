# SPDX-License-Identifier: MIT
"""Against two authoritative servers in use: where NSD and Knot agree over the same zone, so does acmezone.

The zone is the static one with two accounts; the peers read it as a zone file whose SOA is the one acmezone serves.
Compared are rcode, AA, TC, and the records of the answer and authority sections with their TTLs; of unusual packets
the header.
"""

import subprocess

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, free_port, wait_until
from packets import MALFORMED
from static_zone import RECORDS
from wire import (CD, NOTIMP, RD, REFUSED, framed, header, opt_record, query_bytes, question, receive_framed,
                  tcp_socket, udp_socket)

NSD = """
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  database: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/nsd.list"
  xfrdfile: "{folder}/nsd.state"
  xfrdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  server-count: 1
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "{file}"
"""

KNOT = """
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: "{zone}"
    file: "{file}"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
"""

PEERS = {"nsd": (NSD, ["nsd", "-d", "-c"]), "knotd": (KNOT, ["knotd", "-c"])}

# Sent after each packet over UDP: when its answer comes first, the packet was dropped. All three keep a socket's order.
PROBE = query_bytes(0xFFFF, f"{ZONE}.", 6)

# An existing name without the types that are asked has, in a zone file, to have some other type.
UNASKED = "TYPE65280 \\# 0"


def ask(address, packet, tcp=False):
    if tcp:
        with tcp_socket(address) as sock:
            sock.sendall(framed(packet))
            return receive_framed(sock)
    with udp_socket(address) as sock:
        sock.send(packet)
        sock.send(PROBE)
        answer = sock.recv(65535)
        return b"" if answer[:2] == PROBE[:2] else answer


def is_up(address):
    try:
        return ask(address, PROBE, tcp=True)[3:4] == b"\0"
    except OSError:
        return False


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """The addresses of acmezone, nsd and knotd, and the names of the accounts."""
    folder = tmp_path_factory.mktemp("peers")
    children = []
    with Acmezone(folder, general={"records": RECORDS}, api=CHEAP_ARGON2) as server:
        full, empty = server.register(), server.register()
        for value in ("a" * 43, "b" * 43):
            server.update(full, value)
        soa = server.query(f"{ZONE}.", "SOA").answer[0].to_text()
        lines = ["$TTL 3600", soa, *RECORDS, f"{empty['fulldomain']}. {UNASKED}", f"_acme-challenge.{ZONE}. {UNASKED}",
                 *(f"{full['fulldomain']}. 0 TXT {value}" for value in ("a" * 43, "b" * 43))]
        (folder / "zone").write_text("\n".join(lines) + "\n")
        addresses = {"acmezone": server.dns}
        try:
            for name, (config, command) in PEERS.items():
                port = free_port()
                path = folder / f"{name}.conf"
                path.write_text(config.format(port=port, folder=folder, zone=ZONE, file=folder / "zone"))
                with open(folder / f"{name}.log", "wb") as log:
                    children.append(subprocess.Popen([*command, path], stdout=log, stderr=log))
                addresses[name] = ("127.0.0.1", port)
                wait_until(lambda: is_up(addresses[name]), lambda: (folder / f"{name}.log").read_text())
            yield addresses, {"full": full["subdomain"], "empty": empty["subdomain"]}
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(20)


def summary(packet):
    """What is compared of an answer."""
    if not packet:
        return "no answer"
    message = dns.message.from_wire(packet)
    flags = [flag for flag, bit in (("AA", 0x0400), ("TC", 0x0200)) if message.flags & bit]
    sections = tuple(
        tuple(sorted((str(rrset.name).lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_text().lower())
                     for rrset in section for rdata in rrset))
        for section in (message.answer, message.authority))
    return (dns.rcode.to_text(message.rcode()), *flags, *sections)


def disagreements(addresses, packets, view, tcp=False):
    """Asks all three; returns (how often the peers agree, what acmezone answered differently then)."""
    n_agreed, different = 0, []
    for name, packet in packets.items():
        seen = {server: view(ask(address, packet, tcp)) for server, address in addresses.items()}
        if seen["nsd"] == seen["knotd"]:
            n_agreed += 1
            if seen["acmezone"] != seen["nsd"]:
                different.append(f"{name}:\n    acmezone {seen['acmezone']}\n    peers    {seen['nsd']}")
    return n_agreed, different


NAMES = ["@", "full", "FULL", "empty", "www", "wWw", "text", "caa", "odd", "deep.a.b.c", "a.b.c", "b.c", "c", "x.c",
         "b", "wild", "any.wild", "two.labels.wild", "*.wild", "x.wild", "a.x.wild", "below.wild", "x.below.wild",
         "z.below.wild", "wc", "any.wc", "alias", "alias2", "out", "nowhere", "child", "ns1.child", "x.y.child",
         "_acme-challenge", "x._acme-challenge", "nothing", "nothing.at.all", "x.www", "x.full", "_acme-challenge.full",
         "full.full", "x.empty", "*", "_x", "x" * 63]
OUTSIDE = [".", "org.", "example.org.", f"x{ZONE}.", "example.com."]
TYPES = [1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 46, 48, 64, 257, 65400]
MODES = {
    "plain": {"flags": 0},
    "RD": {"flags": RD},
    "CD, EDNS": {"flags": CD, "opt": opt_record()},
    "EDNS, DO": {"flags": RD, "opt": opt_record(flags=0x8000)},
    "EDNS 512": {"flags": 0, "opt": opt_record(512)},
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_every_name_and_type_is_answered_as_the_peers_do(servers, mode, tcp):
    addresses, accounts = servers
    names = {}
    for name in NAMES:
        labels = [accounts.get(label.lower(), label) for label in name.split(".")]
        absolute = f"{ZONE}." if name == "@" else ".".join([*labels, ZONE])
        names[name] = absolute.upper() if name.isupper() else absolute
    names |= {name: name for name in OUTSIDE}
    packets = {f"{name} {dns.rdatatype.to_text(rdtype)}": query_bytes(number, absolute, rdtype, **mode)
               for number, (name, absolute) in enumerate(names.items()) for rdtype in TYPES}
    n_agreed, different = disagreements(addresses, packets, summary, tcp)
    assert not different, "\n".join(different)
    assert n_agreed > 0.8 * len(packets)


def header_only(packet):
    """opcode, rcode and AA."""
    return (packet[2] >> 3 & 15, packet[3] & 15, packet[2] & 4) if packet else "no answer"


# Where we do otherwise on purpose: opcode, rcode and AA. Not asked at all: ANY, which gets a minimal answer (RFC 8482),
# and opcodes but QUERY, which all get NOTIMP.
OURS = {
    "AXFR over UDP": (0, REFUSED, 0),  # as over TCP; the peers say NOTIMP
    **dict.fromkeys(["type OPT", "type TSIG", "type MAILB"], (0, NOTIMP, 0)),  # not types of data; the peers look
}
A_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"
UNUSUAL = {
    **MALFORMED,
    "EDNS version 1": query_bytes(9, f"{ZONE}.", opt=opt_record(version=1)),
    "EDNS version 255, outside": query_bytes(9, "example.com.", opt=opt_record(version=255)),
    "class CH": query_bytes(9, f"{ZONE}.", rdclass=3),
    "class HS": query_bytes(9, f"{ZONE}.", rdclass=4),
    "AXFR over UDP": query_bytes(9, f"{ZONE}.", 252),
    "type 0": query_bytes(9, f"{ZONE}.", 0),
    "type 65535": query_bytes(9, f"{ZONE}.", 65535),
    "type OPT": query_bytes(9, f"{ZONE}.", 41),
    "type TSIG": query_bytes(9, f"{ZONE}.", 250),
    "type MAILB": query_bytes(9, f"{ZONE}.", 253),
    "QR and nothing else": header(9, 0x8000, qd=0),
    "an answer": query_bytes(9, f"{ZONE}.", flags=0x8000),
    "11 bytes": query_bytes(9, f"{ZONE}.")[:11],
    "a record in the answer section": header(9, an=1) + question(f"{ZONE}.") + A_RECORD,
    "a record in the additional section": header(9, ar=1) + question(f"{ZONE}.") + A_RECORD,
}


def test_unusual_packets_get_the_rcode_the_peers_give(servers):
    addresses, _ = servers
    for name, expected in OURS.items():
        assert header_only(ask(addresses["acmezone"], UNUSUAL[name])) == expected, name
    compared = {name: packet for name, packet in UNUSUAL.items() if name not in OURS}
    n_agreed, different = disagreements(addresses, compared, header_only)
    assert not different, "\n".join(different)
    assert n_agreed > 5
