# SPDX-License-Identifier: MIT
"""`acmezone check` names each mistake that owners of domains and operators make, and says how to mend it.

Every mistake is really made: the parents are nsd with zones signed by ldns, the servers of challenges are ours, the
resolvers unbound, all at port 53 in a network namespace. Needs root: `make e2e` leaves this file out for anybody else.
"""

import os

import pytest

from lab import world, zones
from lab.world import (CUSTOMERS, DROP, EDNS, HOME, LOWER, NOBODY, NOBODY_V6, SECOND, SERVER, SERVER_V6,
                       STRIP, TCP_ONLY, UDP_ONLY, Customer)

VALUE = "v" * 43
ACCOUNT = "https://acme.example/acct/1"


def cname(target, ttl=60):
    """The record that the owner of a domain makes."""
    return f"_acme-challenge {ttl} CNAME {target}."


def customers(account):
    """One domain for each mistake."""
    sub, right = account["subdomain"], cname(account["fulldomain"])

    def at(zone):
        return [cname(f"{sub}.{zone}.example.org")]

    def caa(*records):
        return [right, *(f"@ CAA {record}" for record in records)]

    return [
        Customer("good", [right], "signed"),
        Customer("nsec3", [right], "nsec3"),
        Customer("plain", [right]),
        Customer("deep", ["_acme-challenge.a.b " + right.split(" ", 1)[1]], "signed"),
        Customer("missing", ["www A 192.0.2.1"], "signed"),
        Customer("wrong", [cname(f"{sub}.auth.example.net")]),
        Customer("proxied", ["_acme-challenge A 192.0.2.1"]),
        Customer("flattened", ["_acme-challenge AAAA 2001:db8::1"]),
        Customer("wildcard", ["* A 192.0.2.1"]),
        Customer("slow", [cname(account["fulldomain"], 86400)]),
        Customer("gone", [cname(f"00000000-0000-4000-8000-000000000000.{HOME}")]),
        Customer("half", [right], others=["www A 192.0.2.1"]),
        Customer("split", [right], others=[cname("elsewhere.example.org")]),
        Customer("leftover", [f'_acme-challenge TXT "{VALUE}"']),
        Customer("both", [right], others=[f'_acme-challenge TXT "{VALUE}"']),
        Customer("dead", [right], nobody=True),
        Customer("circle", [cname("back.circle.com"), "back CNAME _acme-challenge"]),
        Customer("caa-other", caa('0 issue "ca.example"')),
        Customer("caa-nobody", caa('0 issue ";"')),
        Customer("caa-ours", caa('0 issue "ca.example"', '0 issue "letsencrypt.org"')),
        Customer("caa-wild", caa('0 issue "letsencrypt.org"', '0 issuewild ";"')),
        Customer("caa-account", caa(f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"')),
        Customer("caa-method", caa('0 issue "letsencrypt.org; validationmethods=http-01"')),
        Customer("caa-methods", caa('0 issue "letsencrypt.org; validationmethods=http-01,dns-01"')),
        Customer("caa-critical", caa('128 tbs "unknown"', '0 issue "letsencrypt.org"')),
        Customer("caa-parent", ["_acme-challenge.www " + right.split(" ", 1)[1], '@ CAA 0 issue "ca.example"']),
        Customer("stripped", [right], "stripped"),
        Customer("expired", [right], "expired"),
        *(Customer(f"to-{zone}", at(zone)) for zone in (
            "two", "noglue", "bogus", "v6", "udponly", "tcponly", "lower", "edns", "strip", "drop", "nobody", "nsdiff",
            "staleglue", "lame", "v6dead")),
    ]


def operator(lab_world):
    """The delegations of the zones of challenges."""
    lab = lab_world.lab
    ds = zones.sign(lab, zones.zone("bogus.example.org.", SERVER)).ds

    def hand(zone, *addresses, records=()):
        return [f"{zone} NS ns.{zone}", *(f"ns.{zone} A {address}" for address in addresses), *records]

    return [
        *hand("auth", SERVER), f"ns.auth AAAA {SERVER_V6}",
        *hand("two", SERVER, SECOND),
        "noglue NS ns.noglue",
        *hand("bogus", SERVER), ds,
        "v6 NS ns.v6", f"ns.v6 AAAA {SERVER_V6}",
        *hand("udponly", UDP_ONLY), *hand("tcponly", TCP_ONLY),
        *hand("lower", LOWER), *hand("edns", EDNS), *hand("strip", STRIP), *hand("drop", DROP),
        *hand("nobody", NOBODY),
        *hand("nsdiff", SERVER), "nsdiff NS ns.auth",
        *hand("staleglue", SECOND),
        *hand("lame", SERVER),
        *hand("v6dead", SERVER, records=[f"ns.v6dead AAAA {NOBODY_V6}"]),
    ]


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    """The world with all the mistakes; a value is published."""
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    with world.running(tmp_path_factory.mktemp("world"), customers, operator) as running:
        running.start_server("second", [SECOND], "two.example.org", "staleglue.example.org")
        running.start_server("udp", [UDP_ONLY], "udponly.example.org", protocol="udp")
        running.start_server("tcp", [TCP_ONLY], "tcponly.example.org", protocol="tcp")
        for mode, address in (("lower", LOWER), ("edns", EDNS), ("strip", STRIP), ("drop", DROP)):
            running.start_box(mode, address)
        running.publish(VALUE)
        yield running


@pytest.mark.parametrize("domain, options", [
    ("good.com", ["--expect", "{fulldomain}"]),
    ("good.com", ["--expect", "{fulldomain}."]),
    ("*.good.com", ["--account-uri", ACCOUNT]),
    ("GOOD.com.", []),
    ("_acme-challenge.good.com", []),
    ("nsec3.com", []),
    ("a.b.deep.com", []),
    ("caa-ours.com", []),
    ("caa-wild.com", []),
    ("caa-methods.com", ["--wildcard"]),
    ("caa-account.com", ["--account-uri", ACCOUNT]),
    ("caa-other.com", ["--ca", "CA.example"]),
])
def test_a_domain_in_order_is_found_in_order(internet, domain, options):
    (report,), status = internet.check(*(option.format(**internet.account) for option in options), domain)
    assert (report.bad(), status) == ({}, 0), report
    assert report.report["target"] == internet.account["fulldomain"]
    assert VALUE in report.texts("txt")


FAILURES = [  # domain, options, what is not well, words of the text, words of the fix
    ("nothing.com", [], {"zone": "fail"}, "there is no domain nothing.com", "paid for"),
    ("missing.com", [], {"cname": "fail"}, "no CNAME at _acme-challenge.missing.com", "create the record"),
    ("missing.com", ["--expect", "here.example.org"], {"cname": "fail"}, "no CNAME",
     "_acme-challenge.missing.com. 300 IN CNAME here.example.org."),
    ("missing.com", ["--expect", "here.example.org."], {"cname": "fail"}, "no CNAME", "CNAME here.example.org."),
    ("wrong.com", ["--expect", "{fulldomain}"], {"cname": "fail"}, "auth.example.net, which is the wrong place",
     "CNAME {fulldomain}."),
    ("wrong.com", ["-c", "{config}"], {"cname": "fail"}, "wrong place", f"<subdomain>.{HOME}."),
    ("wrong.com", [], {"target": "fail"}, "does not exist, says the zone .", "misspelled"),
    ("proxied.com", [], {"cname": "fail"}, "proxies or flattens", "DNS only"),
    ("flattened.com", [], {"cname": "fail"}, "proxies or flattens", "DNS only"),
    ("wildcard.com", [], {"cname": "fail"}, "from a wildcard record", "create the record"),
    ("slow.com", [], {"cname": "warn"}, "TTL is 86400 seconds", "300"),
    ("gone.com", [], {"target": "fail"}, f"does not exist, says the zone {HOME}", "register"),
    ("half.com", [], {"cname": "fail"}, f"{CUSTOMERS} has the CNAME, but", "transfer"),
    ("split.com", [], {"cname": "fail"}, "elsewhere.example.org", "transfer"),
    ("leftover.com", [], {"cname": "fail", "txt": "fail"}, "has a TXT record at", "delete the TXT record"),
    ("both.com", [], {"cname": "fail", "txt": "fail"}, "has a TXT record at", "delete the TXT record"),
    ("dead.com", [], {"cname": "warn"}, f"{NOBODY} refuses the connection", "take it out of the NS records"),
    ("circle.com", [], {"target": "fail"}, "in a circle", "fulldomain itself"),
    ("caa-other.com", [], {"caa": "fail"}, 'issue "ca.example") forbid letsencrypt.org', 'CAA 0 issue "letsencrypt.org"'),
    ("caa-nobody.com", [], {"caa": "fail"}, "forbid", 'CAA 0 issue "letsencrypt.org"'),
    ("caa-wild.com", ["--wildcard"], {"caa": "fail"}, "*.caa-wild.com", 'issuewild "letsencrypt.org"'),
    ("*.caa-wild.com", [], {"caa": "fail"}, "*.caa-wild.com", 'issuewild "letsencrypt.org"'),
    ("caa-account.com", [], {"caa": "warn"}, "for one account only", "--account-uri"),
    ("caa-account.com", ["--account-uri", ACCOUNT + "2"], {"caa": "fail"}, "another account only", "accounturi="),
    ("caa-method.com", [], {"caa": "fail"}, "method dns-01", "validationmethods"),
    ("caa-critical.com", [], {"caa": "fail"}, "(tbs) have a critical property", "remove"),
    ("www.caa-parent.com", [], {"caa": "fail"}, "CAA records of caa-parent.com", "CAA 0 issue"),
    ("stripped.com", [], {"dnssec": "fail"}, "DS record for stripped.com, but stripped.com is not signed",
     "remove the DS records of stripped.com from com"),
    ("expired.com", [], {"dnssec": "fail"}, "has expired", "sign the zone expired.com anew"),
    ("to-bogus.com", [], {"dnssec": "fail"}, "DS record for bogus.example.org, but", "from example.org"),
    ("to-two.com", [], {"servers": "warn", "txt": "warn"}, "the servers disagree: the SOA", "share a store"),
    ("to-noglue.com", [], {"target": "fail", "delegation": "fail", "servers": "fail"}, "gives no address of it (glue)",
     "ns.noglue.example.org. IN A"),
    ("to-udponly.com", [], {"target": "fail", "servers": "fail"}, "over TCP", "open TCP port 53"),
    ("to-tcponly.com", [], {"target": "fail", "servers": "fail"}, "over UDP",
     "open UDP port 53"),
    ("to-lower.com", [], {"servers": "fail"}, "other letters", "rewrites DNS"),
    ("to-edns.com", [], {"servers": "fail"}, "answers only questions without EDNS", "drops or refuses EDNS"),
    ("to-strip.com", [], {"servers": "warn"}, "does not speak EDNS", "strips EDNS"),
    ("to-drop.com", [], {"servers": "fail"}, f"{DROP} does not answer over UDP", "port 53 is open"),
    ("to-nobody.com", [], {"servers": "fail"}, "nothing listens there", "the server runs"),
    ("to-nsdiff.com", [], {"delegation": "warn"}, "names the server ns.auth.example.org, the zone itself does not",
     "the same"),
    ("to-staleglue.com", [], {"delegation": "warn"}, f"has the address {SERVER}, the parent's glue does not", "glue"),
    ("to-v6.com", [], {"delegation": "warn"}, f"has the address {SERVER}, the parent's glue does not", "glue"),
    ("to-v6dead.com", [], {"servers": "fail"}, f"{NOBODY_V6} refuses the connection", "the server runs"),
    ("to-lame.com", [], {"servers": "fail"}, "does not serve the zone lame.example.org", 'domain = "lame.example.org"'),
]


@pytest.mark.parametrize("domain, options, bad, text, fix", FAILURES, ids=[f"{one[0]} {one[1]}" for one in FAILURES])
def test_a_mistake_is_named_and_mended(internet, domain, options, bad, text, fix):
    values = {**internet.account, "config": internet.servers["main"].config}
    (report,), status = internet.check(*(option.format(**values) for option in options), domain)
    found = report.bad()
    for step, verdict in bad.items():
        assert report.verdict(step) == verdict, report
    blamed = "\n".join(report.texts(step) for step in bad)
    assert text.format(**values) in blamed and fix.format(**values) in blamed, report
    assert status == (2 if "fail" in found.values() else 1)
