# SPDX-License-Identifier: MIT
"""The main job as the Internet does it: port 53, real delegations from a root, and a resolver at its strictest.

In a network namespace of its own stand a root zone, com. and org., the parent zones, each kind on an address of its
own, and the server; all signed but the server's zone. unbound knows the root only, asks for one label more at a time
(QNAME minimisation), in letters of random case (0x20). Needs root: `make e2e` leaves this file out for anybody else.
"""

import json
from contextlib import contextmanager

import pytest

from acmezone import ZONE, Acmezone
from lab import certificate, clients, nsd, unbound, zones
from lab.namespace import namespace_with
from lab.pebble import Pebble
from lab.processes import Lab
from lab.zones import NAMES

ROOT, TLDS, PARENTS, SERVER, RESOLVER = (f"198.51.100.{n}" for n in (1, 2, 3, 53, 100))


@pytest.fixture
def namespace():
    with namespace_with((ROOT, TLDS, PARENTS, SERVER, RESOLVER)) as name:
        yield name


def top_level(lab, origin, example):
    """A top-level domain with one domain in it, `example`, whose key it vouches for."""
    return zones.sign(lab, zones.zone(origin, TLDS, *zones.delegation("example", "ns.example", PARENTS, example.ds)))


class Internet:
    """A server with one account, and the way to it from the root."""

    def __init__(self, lab, server, options):
        self.lab, self.server = lab, server
        self.account = json.loads(lab.run("register", ["curl", "-sSf", "-X", "POST", f"{server.api}/register"]))
        customer, operator = zones.parents(lab, self.account, SERVER, PARENTS)
        com, org = top_level(lab, "com.", customer), top_level(lab, "org.", operator)
        root = zones.sign(lab, zones.zone(".", ROOT, *zones.delegation("com", "ns.com", TLDS, com.ds),
                                          *zones.delegation("org", "ns.org", TLDS, org.ds)))
        nsd.start(lab, "nsd-root", (ROOT, 53), [root])
        nsd.start(lab, "nsd-tlds", (TLDS, 53), [com, org])
        nsd.start(lab, "nsd-parents", (PARENTS, 53), [customer, operator])
        hints = lab.path("root.hints", f". 60 NS ns.\nns. 60 A {ROOT}\n")
        unbound.start(lab, (RESOLVER, 53), anchors=[root], options=[f'root-hints: "{hints}"', *options])
        self.ca = Pebble(lab, (RESOLVER, 53))
        self.hook_environment = clients.hook_environment(lab, server.api, self.account, root=ROOT)


@contextmanager
def running_internet(tmp_path, namespace, *options):
    """An Internet whose resolver has the options."""
    (tmp_path / "lab").mkdir()
    inside = ["ip", "netns", "exec", namespace]
    general = {"listen": f"{SERVER}:53", "records": [f"{ZONE}. A {SERVER}", f"{ZONE}. NS {ZONE}."]}
    with Acmezone(tmp_path, general=general, wrapper=inside) as server, Lab(tmp_path / "lab", inside) as lab:
        yield Internet(lab, server, options)


def test_the_authority_finds_the_values_with_0x20_and_minimised_questions(tmp_path, namespace):
    with running_internet(tmp_path, namespace, "use-caps-for-id: yes", "verbosity: 4") as internet:
        path = clients.certbot(internet.lab, internet.ca, internet.hook_environment, NAMES)

        assert certificate.read(internet.lab, path).names == sorted(NAMES)
        certificate.verify(internet.lab, path, internet.ca.root())
        resolver_log = internet.lab.log("unbound")
        assert "good 0x20-ID in reply" in resolver_log and "wrong 0x20-ID in reply" not in resolver_log
        for name in ("com.", f"{ZONE}.", f"{internet.account['fulldomain']}."):
            assert f"sending query: {name} A IN" in resolver_log, "minimised questions ask for addresses"
        counters = internet.server.counters()
        assert counters["nodata"] > 0, "of the account too"
        assert counters["servfail"] == counters["formerr"] == counters["refused"] == counters["nxdomain"] == 0


def test_lego_checks_the_name_server_itself_and_the_authority_asks_over_tcp(tmp_path, namespace):
    with running_internet(tmp_path, namespace, "tcp-upstream: yes") as internet:
        resolv_conf = internet.lab.path("resolv.conf", f"nameserver {RESOLVER}\n")
        names = ["*.example.com"]
        path = clients.lego(internet.lab, internet.ca, internet.hook_environment, names, own_check=True,
                            prefix=clients.in_place_of("/etc/resolv.conf", resolv_conf))

        assert certificate.read(internet.lab, path).names == names
        certificate.verify(internet.lab, path, internet.ca.root())
        counters = internet.server.counters()
        assert counters["tcp_queries"] > 0
        assert counters["udp_queries"] > 0, "lego's own question to the name server"
