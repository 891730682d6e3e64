# SPDX-License-Identifier: MIT
"""Zone files as their owners write them, and their DNSSEC signatures by ldns-keygen and ldns-signzone."""

from dataclasses import dataclass

NAMES = ["example.com", "*.example.com"]  # what the customer wants a certificate for


@dataclass
class Zone:
    """A zone file. Of a signed zone, dnskey is what a resolver may trust and ds what the parent publishes."""

    origin: str  # with the final dot
    text: str
    dnskey: str = ""
    ds: str = ""


def zone(origin, address, *records):
    """A zone served at the address, with the records."""
    return Zone(origin, "\n".join([
        f"$ORIGIN {origin}",
        "$TTL 60",
        "@ SOA ns hostmaster 1 3600 600 86400 60",
        "@ NS ns",
        f"ns A {address}",
        *records, ""]))


def delegation(child, ns, address, ds=""):
    """The records by which a parent zone hands the child zone to the name server ns (with glue)."""
    return [f"{child} NS {ns}", f"{ns} A {address}", ds]


def sign(lab, unsigned, options=()):
    """The zone signed with a new key; names that do not exist, and missing DS records, are proven by NSEC.

    options are more of ldns-signzone's: ["-n"] proves by NSEC3 instead.
    """
    label = unsigned.origin.rstrip(".") or "root"
    key = lab.run(f"keygen-{label}", ["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", unsigned.origin]).strip()
    source = lab.path(f"{label}.zone", unsigned.text)
    signed = lab.path(f"{label}.signed")
    lab.run(f"signzone-{label}", ["ldns-signzone", *options, "-f", signed, source, key])
    return Zone(unsigned.origin, signed.read_text(), dnskey=lab.path(f"{key}.key").read_text().split(";")[0].strip(),
                ds=lab.path(f"{key}.ds").read_text().strip())


def parents(lab, account, acmezone_host, own_host="127.0.0.1"):
    """The zones that lead to the server, signed: the customer's with the CNAME, the operator's with the delegation.

    The delegation has no DS record, so what lies below it is insecure, provably.
    """
    customer = zone("example.com.", own_host, f"_acme-challenge CNAME {account['fulldomain']}.")
    operator = zone("example.org.", own_host, *delegation("auth", "auth", acmezone_host))
    return sign(lab, customer), sign(lab, operator)
