# SPDX-License-Identifier: MIT
"""The main job, whole: a certificate authority issues a certificate because of what it found at the server.

Nothing is played: four ACME clients publish through the API; pebble validates through an unbound that verifies DNSSEC,
follows the customer's CNAME on an nsd and asks the server; openssl judges what was issued.
"""

from contextlib import contextmanager

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from acmezone import DEADLINE_S, ZONE, Acmezone
from lab import certificate, clients, nsd, unbound, zones
from lab.pebble import Pebble
from lab.processes import Lab, ProgramFailed, free_address
from lab.zones import NAMES

CHALLENGE = "_acme-challenge.example.com"


class Chain:
    """A server with one account, and everything between it and the certificate authority."""

    def __init__(self, lab, server):
        self.lab, self.server = lab, server
        self.account = server.register()
        parents = zones.parents(lab, self.account, server.dns[0])
        parent_address, self.resolver = free_address(), free_address()
        nsd.start(lab, "nsd", parent_address, parents)
        unbound.start(lab, self.resolver, anchors=parents, stubs={
            "example.com.": parent_address, "example.org.": parent_address, f"{ZONE}.": server.dns})
        self.ca = Pebble(lab, self.resolver)

    def issue(self, client):
        """The path of the certificate that the client obtained."""
        env = clients.hook_environment(self.lab, self.server.api, self.account)
        return clients.CLIENTS[client](self.lab, self.ca, env, NAMES)

    def resolve(self, name, rdtype):
        """What the authority's resolver answers."""
        host, port = self.resolver
        query = dns.message.make_query(name, rdtype, want_dnssec=True)
        return dns.query.udp(query, host, port=port, timeout=DEADLINE_S)

    def values(self):
        """The values that the server answers for the account."""
        return self.server.txt(self.account["fulldomain"])


@contextmanager
def running_chain(tmp_path, **general):
    """A chain whose server has the options of [general]."""
    (tmp_path / "lab").mkdir()
    with Acmezone(tmp_path, general=general) as server, Lab(tmp_path / "lab") as lab:
        yield Chain(lab, server)


@pytest.mark.parametrize("client", clients.CLIENTS)
def test_a_client_obtains_a_wildcard_certificate(tmp_path, client):
    with running_chain(tmp_path) as chain:
        path = chain.issue(client)

        issued = certificate.read(chain.lab, path)
        assert issued.names == sorted(NAMES)
        assert "Pebble Intermediate CA" in issued.issuer
        certificate.verify(chain.lab, path, chain.ca.root())
        assert len(set(chain.values())) == len(NAMES), "one value for each name, and both were kept"
        counters = chain.server.counters()
        assert counters["updates"] == len(NAMES)
        assert counters["servfail"] == counters["formerr"] == counters["refused"] == counters["nxdomain"] == 0


@pytest.mark.parametrize("client, general, n_kept", [
    ("certbot", {"txt_values": 1}, 1),  # publishes both values before the authority looks for the first
    ("uacme", {"txt_ttl": 60}, 2),  # publishes the second when the resolver could still know the first alone
], ids=["one value kept", "values cached"])
def test_an_order_fails_where_a_value_is_hidden(tmp_path, client, general, n_kept):
    with running_chain(tmp_path, **general) as chain:
        with pytest.raises(ProgramFailed, match="Correct value not found for DNS challenge"):
            chain.issue(client)

        assert chain.server.counters()["updates"] == len(NAMES)
        assert len(chain.values()) == n_kept


def test_the_resolver_verifies_the_parents_and_believes_the_unsigned_zone(tmp_path):
    with running_chain(tmp_path) as chain:
        value = "v" * 43
        chain.server.update(chain.account, value)

        assert chain.resolve(CHALLENGE, "CNAME").flags & dns.flags.AD
        assert chain.resolve(ZONE, "DS").flags & dns.flags.AD, "that there is no DS record is proven"
        answer = chain.resolve(CHALLENGE, "TXT")
        assert answer.rcode() == dns.rcode.NOERROR
        assert not answer.flags & dns.flags.AD
        assert f'{chain.account["fulldomain"]}. 0 IN TXT "{value}"' in answer.to_text()
