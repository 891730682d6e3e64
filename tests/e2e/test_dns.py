# SPDX-License-Identifier: MIT
"""What the zone answers: each kind of name and type, over UDP and TCP, with and without EDNS."""

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from acmezone import CHEAP_ARGON2, DEFAULTS, ZONE, Acmezone
from static_zone import RECORDS
from wire import AA, QR, RD, parse_header, query_bytes, udp_exchange

TRANSPORTS = {
    "udp": {},
    "tcp": {"tcp": True},
    "udp with EDNS": {"use_edns": 0, "payload": 1232},
    "tcp with EDNS and DO": {"tcp": True, "use_edns": 0, "payload": 4096, "want_dnssec": True},
}
VALUES = ["a" * 43, "b" * 43]


@pytest.fixture(scope="module")
def zone(tmp_path_factory):
    """A server with many static records, and the names of an account with values and of one without."""
    with Acmezone(tmp_path_factory.mktemp("zone"), general={"records": RECORDS}, api=CHEAP_ARGON2) as server:
        full, empty = server.register(), server.register()
        for value in VALUES:
            assert server.update(full, value).status_code == 200
        server.names = {"full": full["subdomain"], "empty": empty["subdomain"]}
        yield server


def absolute(server, name):
    """'@' is the apex, 'full' and 'empty' as a label stand for the accounts, the rest is relative to the zone."""
    if name == "@":
        return f"{ZONE}."
    labels = [server.names.get(label, label) for label in name.split(".")]
    return ".".join([*labels, f"{ZONE}."])


def without_tcp(options):
    """What of a transport's options dns.message.make_query takes."""
    return {key: value for key, value in options.items() if key != "tcp"}


def records_of(section):
    return sorted((str(rrset.name), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_text())
                  for rrset in section for rdata in rrset)


def assert_is_negative(answer, code):
    """RFC 2308: no answer, the zone's SOA in the authority section with the negative TTL."""
    assert answer.rcode() == code
    assert answer.flags & dns.flags.AA
    assert answer.answer == []
    assert [(str(rrset.name), rrset.rdtype) for rrset in answer.authority] == [(f"{ZONE}.", dns.rdatatype.SOA)]
    soa = answer.authority[0]
    assert soa.ttl == 60
    assert min(soa.ttl, soa[0].minimum) == 60


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("spell", [str, str.upper, str.title], ids=["lower", "upper", "mixed"])
def test_a_registered_name_answers_its_values_with_ttl_0(zone, spell, options):
    name = spell(absolute(zone, "full"))
    answer = zone.query(name, "TXT", **options)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags & dns.flags.AA
    assert records_of(answer.answer) == [(name, 0, "TXT", f'"{value}"') for value in VALUES]
    assert answer.authority == []


POSITIVE = [  # name, type, the answer: (owner, TTL, type, data)
    ("@", "A", [("@", 3600, "A", "192.0.2.1")]),
    ("@", "AAAA", [("@", 3600, "AAAA", "2001:db8::1")]),
    ("@", "NS", [("@", 3600, "NS", f"{ZONE}.")]),
    ("@", "MX", [("@", 3600, "MX", f"10 www.{ZONE}.")]),
    ("www", "A", [("www", 300, "A", "192.0.2.80"), ("www", 300, "A", "192.0.2.81")]),
    ("www", "AAAA", [("www", 3600, "AAAA", "2001:db8::80")]),
    ("text", "TXT", [("text", 3600, "TXT", '"static text" "in two strings"')]),
    ("caa", "CAA", [("caa", 3600, "CAA", '0 issue "ca.example.net"')]),
    ("odd", "TYPE65400", [("odd", 3600, "TYPE65400", "\\# 3 010203")]),
    ("deep.a.b.c", "A", [("deep.a.b.c", 3600, "A", "192.0.2.90")]),
    ("any.wild", "A", [("any.wild", 3600, "A", "192.0.2.99")]),
    ("any.wild", "TXT", [("any.wild", 3600, "TXT", '"wild"')]),
    ("two.labels.wild", "A", [("two.labels.wild", 3600, "A", "192.0.2.99")]),
    ("*.wild", "A", [("*.wild", 3600, "A", "192.0.2.99")]),
    ("x.wild", "A", [("x.wild", 3600, "A", "192.0.2.98")]),
    ("any.wc", "A", [("any.wc", 3600, "CNAME", f"www.{ZONE}."),
                     ("www", 300, "A", "192.0.2.80"), ("www", 300, "A", "192.0.2.81")]),
    ("alias", "CNAME", [("alias", 3600, "CNAME", f"www.{ZONE}.")]),
    ("alias", "AAAA", [("alias", 3600, "CNAME", f"www.{ZONE}."), ("www", 3600, "AAAA", "2001:db8::80")]),
    ("alias2", "AAAA", [("alias2", 3600, "CNAME", f"alias.{ZONE}."), ("alias", 3600, "CNAME", f"www.{ZONE}."),
                        ("www", 3600, "AAAA", "2001:db8::80")]),
    ("out", "A", [("out", 3600, "CNAME", "www.example.net.")]),
]


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("name, rdtype, expected", POSITIVE, ids=lambda value: value if isinstance(value, str) else "")
def test_static_records_wildcards_and_aliases_are_answered(zone, name, rdtype, expected, options):
    answer = zone.query(absolute(zone, name), rdtype, **options)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags & dns.flags.AA
    assert records_of(answer.answer) == sorted((absolute(zone, owner), *rest) for owner, *rest in expected)


def test_the_owner_of_a_wildcard_answer_keeps_the_case_of_the_question(zone):
    answer = zone.query(f"aNy.WiLd.{ZONE.upper()}.", "A")
    assert str(answer.answer[0].name) == f"aNy.WiLd.{ZONE.upper()}."


NODATA = [("child", "DS"), ("@", "TXT"), ("@", "CAA"), ("@", "CNAME"), ("@", "DS"), ("@", "DNSKEY"), ("@", "SVCB"),
          ("full", "A"), ("full", "AAAA"), ("full", "CNAME"), ("full", "SOA"), ("full", "NS"), ("full", "CAA"),
          ("full", "TYPE65000"), ("empty", "TXT"), ("empty", "A"), ("empty", "SOA"), ("empty", "CNAME"),
          ("www", "TXT"), ("text", "A"), ("x.wild", "TXT"), ("any.wild", "AAAA"), ("any.wild", "CNAME"),
          ("*.wild", "MX"), ("a.b.c", "A"), ("b.c", "TXT"), ("c", "NS"), ("wild", "A"), ("wild", "TXT"),
          ("wc", "CNAME"), ("x.below.wild", "A"), ("below.wild", "TXT"), ("_acme-challenge", "TXT"),
          ("_acme-challenge", "A"), ("_acme-challenge", "SOA")]


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("name, rdtype", NODATA)
def test_an_existing_name_without_the_type_is_nodata_with_soa(zone, name, rdtype, options):
    assert_is_negative(zone.query(absolute(zone, name), rdtype, **options), dns.rcode.NOERROR)


MISSING = ["nothing", "nothing.at.all", "x.www", "a.x.wild", "other.x.below.wild", "z.below.wild", "x.deep.a.b.c",
           "x.c", "b", "x.full", "_acme-challenge.full", "www.full", "full.full", "x.empty", "full.www",
           "x.full.nothing", "_x", "00000000-0000-4000-8000-000000000000", "*", "x" * 63]


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("rdtype", ["TXT", "A", "SOA"])
@pytest.mark.parametrize("name", MISSING)
def test_a_name_that_does_not_exist_is_nxdomain_with_soa(zone, name, rdtype, options):
    assert_is_negative(zone.query(absolute(zone, name), rdtype, **options), dns.rcode.NXDOMAIN)


def test_the_longest_possible_name_is_nxdomain(zone):
    labels = 255 - len(dns.name.from_text(f"{ZONE}.").to_wire())
    prefix = "x" * 63 + "." + "y" * 63 + "." + "z" * 63
    rest = labels - 3 * 64 - 1
    name = f"{prefix}.{'w' * rest}.{ZONE}."
    assert len(dns.name.from_text(name).to_wire()) == 255
    assert_is_negative(zone.query(name, "TXT"), dns.rcode.NXDOMAIN)


def test_the_soa_is_answered_at_the_apex_with_the_configured_names(zone):
    answer = zone.query(f"{ZONE}.", "SOA")
    assert answer.flags & dns.flags.AA
    soa = answer.answer[0][0]
    assert (str(soa.mname), str(soa.rname)) == (f"{ZONE}.", "admin.example.org.")
    assert soa.minimum == 60
    assert soa.serial > 0


def test_addresses_of_name_servers_in_the_zone_are_additional(zone):
    answer = zone.query(f"{ZONE}.", "NS")
    assert records_of(answer.additional) == [(f"{ZONE}.", 3600, "A", "192.0.2.1"),
                                             (f"{ZONE}.", 3600, "AAAA", "2001:db8::1")]


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("name", ["child", "ns1.child", "x.y.child", "_acme-challenge.child", "full.child"])
@pytest.mark.parametrize("rdtype", ["A", "TXT", "NS", "CNAME"])
def test_below_a_delegation_the_answer_is_a_referral(zone, name, rdtype, options):
    answer = zone.query(absolute(zone, name), rdtype, **options)
    assert answer.rcode() == dns.rcode.NOERROR
    assert not answer.flags & dns.flags.AA
    assert answer.answer == []
    assert records_of(answer.authority) == [(f"child.{ZONE}.", 3600, "NS", "ns.example.net."),
                                            (f"child.{ZONE}.", 3600, "NS", f"ns1.child.{ZONE}.")]
    assert records_of(answer.additional) == [(f"ns1.child.{ZONE}.", 3600, "A", "192.0.2.53")]


def test_an_alias_to_nothing_is_answered_with_the_alias_and_nxdomain(zone):
    answer = zone.query(f"nowhere.{ZONE}.", "A")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert records_of(answer.answer) == [(f"nowhere.{ZONE}.", 3600, "CNAME", f"nothing.{ZONE}.")]
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_an_alias_to_a_name_without_the_type_is_answered_with_the_alias_and_soa(zone):
    answer = zone.query(f"alias2.{ZONE}.", "TXT")
    assert answer.rcode() == dns.rcode.NOERROR
    assert [rrset.rdtype for rrset in answer.answer] == [dns.rdatatype.CNAME] * 2
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_a_loop_of_aliases_is_answered_once_around(zone):
    packet = udp_exchange(zone.dns, query_bytes(7, f"loop1.{ZONE}.", 1))
    assert parse_header(packet)[3] == 2
    answer = dns.message.from_wire(packet)
    assert answer.rcode() == dns.rcode.NOERROR
    assert {str(rrset.name) for rrset in answer.answer} == {f"loop1.{ZONE}.", f"loop2.{ZONE}."}


def test_a_static_alias_to_an_account_is_followed_to_its_values(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, VALUES[0])
        target = account["fulldomain"]
    records = [*DEFAULTS["general"]["records"], f"_acme-challenge.app.{ZONE}. CNAME {target}."]
    with Acmezone(tmp_path, general={"records": records}, api=CHEAP_ARGON2) as server:
        answer = server.query(f"_acme-challenge.app.{ZONE}.", "TXT")
        assert records_of(answer.answer) == sorted([(f"_acme-challenge.app.{ZONE}.", 3600, "CNAME", f"{target}."),
                                                    (f"{target}.", 0, "TXT", f'"{VALUES[0]}"')])


def test_a_wildcard_at_the_apex_covers_no_account(tmp_path):
    records = [*DEFAULTS["general"]["records"], f"*.{ZONE}. TXT everybody", f"*.{ZONE}. A 192.0.2.9"]
    with Acmezone(tmp_path, general={"records": records}, api=CHEAP_ARGON2) as server:
        account = server.register()
        name = account["fulldomain"]
        assert server.txt(f"nobody.{ZONE}") == ["everybody"]
        assert_is_negative(server.query(name, "TXT"), dns.rcode.NOERROR)
        assert_is_negative(server.query(name, "A"), dns.rcode.NOERROR)
        assert_is_negative(server.query(f"x.{name}", "TXT"), dns.rcode.NXDOMAIN)
        server.update(account, VALUES[0])
        assert server.txt(name) == [VALUES[0]]


def test_names_below_an_account_can_be_made_nodata(tmp_path):
    with Acmezone(tmp_path, general={"nodata_below": True}, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, VALUES[0])
        name = account["fulldomain"]
        assert_is_negative(server.query(f"_acme-challenge.{name}", "TXT"), dns.rcode.NOERROR)
        assert_is_negative(server.query(f"www.{name}", "TXT"), dns.rcode.NXDOMAIN)
        assert_is_negative(server.query(f"_acme-challenge.nobody.{ZONE}", "TXT"), dns.rcode.NXDOMAIN)


OUTSIDE = [".", "org.", "example.org.", "www.example.org.", f"x{ZONE}.", "uth.example.org.", "auth.example.com.",
           f"{ZONE}.example.org.", "auth\\.example.org.", "auth.example\\.org."]


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_the_zones_everything_is_refused_without_amplification(zone, name, options):
    for rdtype in ("A", "NS", "ANY", "TXT"):
        question = dns.message.make_query(name, rdtype, **without_tcp(options))
        answer = zone.ask(question, tcp="tcp" in options)
        assert answer.rcode() == dns.rcode.REFUSED
        assert not answer.flags & dns.flags.AA
        assert answer.answer == answer.authority == answer.additional == []
        reason_bytes = 6 if "tcp" in options and question.edns == 0 else 0  # who came by TCP is told why
        assert len(answer.to_wire()) <= len(question.to_wire()) + reason_bytes


@pytest.mark.parametrize("rdclass", ["CH", "HS", "ANY", "NONE", "CLASS65280"])
@pytest.mark.parametrize("name", [f"{ZONE}.", "version.bind.", "hostname.bind.", "id.server."])
def test_another_class_is_refused(zone, rdclass, name):
    for rdtype in ("TXT", "A", "SOA"):
        answer = zone.ask(dns.message.make_query(name, rdtype, rdclass=rdclass))
        assert answer.rcode() == dns.rcode.REFUSED
        assert answer.answer == answer.authority == []


def test_the_version_is_told_in_class_chaos_when_configured(tmp_path):
    with Acmezone(tmp_path, general={"chaos_version": "none of your business"}) as server:
        answer = server.ask(dns.message.make_query("VERSION.bind.", "TXT", rdclass="CH"))
        assert answer.rcode() == dns.rcode.NOERROR
        assert answer.answer[0].rdclass == dns.rdataclass.CH
        assert b"".join(answer.answer[0][0].strings) == b"none of your business"
        assert server.ask(dns.message.make_query("hostname.bind.", "TXT", rdclass="CH")).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("name", ["@", "full", "empty", "www", "any.wild", "c"])
def test_any_gets_a_minimal_answer(zone, name, options):
    answer = zone.query(absolute(zone, name), "ANY", **options)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags & dns.flags.AA
    assert len(answer.answer) <= 1
    assert len(answer.to_wire()) <= 300
    if not answer.answer:
        assert_is_negative(answer, dns.rcode.NOERROR)


def test_any_at_a_missing_name_is_nxdomain(zone):
    assert_is_negative(zone.query(f"nothing.{ZONE}.", "ANY"), dns.rcode.NXDOMAIN)


@pytest.mark.parametrize("options", TRANSPORTS.values(), ids=TRANSPORTS.keys())
@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
@pytest.mark.parametrize("name", ["@", "full", "nothing"])
def test_zone_transfers_are_refused(zone, rdtype, name, options):
    question = dns.message.make_query(absolute(zone, name), "A", **without_tcp(options))
    question.question[0].rdtype = dns.rdatatype.from_text(rdtype)
    if rdtype == "IXFR":
        question.authority.append(dns.rrset.from_text(f"{ZONE}.", 0, "IN", "SOA", f"{ZONE}. {ZONE}. 1 2 3 4 5"))
    answer = zone.ask(question, tcp="tcp" in options)
    assert answer.rcode() == dns.rcode.REFUSED
    assert answer.answer == answer.authority == []


@pytest.mark.parametrize("opcode", [opcode for opcode in range(16) if opcode != dns.opcode.QUERY])
def test_another_opcode_is_not_implemented_and_echoed(zone, opcode):
    packet = query_bytes(7, f"{ZONE}.", flags=opcode << 11 | RD)
    ident, flags, *_ = parse_header(udp_exchange(zone.dns, packet))
    assert ident == 7
    assert flags & QR
    assert flags >> 11 & 15 == opcode
    assert flags & 15 == dns.rcode.NOTIMP
    assert not flags & AA


@pytest.mark.parametrize("question", [
    dns.message.from_text(f"id 7\nopcode NOTIFY\nflags AA\n;QUESTION\n{ZONE}. IN SOA\n"
                          f";ANSWER\n{ZONE}. 0 IN SOA a. b. 1 2 3 4 5"),
    dns.message.from_text(f"id 7\nopcode UPDATE\n;ZONE\n{ZONE}. IN SOA\n;PREREQ\n;UPDATE\nx.{ZONE}. 60 IN A 192.0.2.1"),
], ids=["NOTIFY", "UPDATE"])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_notify_and_update_are_not_implemented(zone, question, tcp):
    answer = zone.ask(question, tcp=tcp)
    assert answer.rcode() == dns.rcode.NOTIMP
    assert answer.opcode() == question.opcode()


@pytest.mark.parametrize("ttls", [{"txt_ttl": 5, "negative_ttl": 7}, {"txt_ttl": 0, "negative_ttl": 0}], ids=str)
def test_the_ttls_are_configurable(tmp_path, ttls):
    with Acmezone(tmp_path, general=ttls, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, VALUES[0])
        assert server.query(account["fulldomain"], "TXT").answer[0].ttl == ttls["txt_ttl"]
        soa = server.query(f"nothing.{ZONE}.", "TXT").authority[0]
        assert min(soa.ttl, soa[0].minimum) == soa.ttl == ttls["negative_ttl"]


def test_several_zones_each_answer_for_themselves(tmp_path):
    zones = ["auth.example.org", "acme.example.net"]
    records = ["auth.example.org. A 192.0.2.1", "acme.example.net. A 192.0.2.2"]
    with Acmezone(tmp_path, general={"domain": zones, "records": records}, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.update(account, VALUES[0])
        assert account["fulldomain"].endswith(f".{zones[0]}")
        for zone, address in zip(zones, ("192.0.2.1", "192.0.2.2")):
            assert server.txt(f"{account['subdomain']}.{zone}") == [VALUES[0]]
            assert server.query(f"{zone}.", "A").answer[0][0].address == address
            for name in (f"nothing.{zone}.", f"x.{account['subdomain']}.{zone}."):
                answer = server.query(name, "TXT")
                assert answer.rcode() == dns.rcode.NXDOMAIN
                assert str(answer.authority[0].name) == f"{zone}."
            assert server.query(f"{zone}.", "SOA").answer[0].rdtype == dns.rdatatype.SOA
        assert server.query(f"{account['subdomain']}.example.org.", "TXT").rcode() == dns.rcode.REFUSED
