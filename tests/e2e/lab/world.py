# SPDX-License-Identifier: MIT
"""A small Internet in a network namespace: root, com. and org., many customers, and servers of challenges. Needs root.

Every customer's domain is a zone of its own below com., so one world holds every mistake a customer can make, each under
its own name; and every zone of challenges lies below example.org., each with a mistake of an operator.
"""

import json
import signal
import subprocess
import sys
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from acmezone import BINARY, Acmezone, clean_environment
from lab import nsd, unbound, zones
from lab.processes import Lab, end_session

NET = "198.51.100."
ROOT, TLDS, CUSTOMERS, OTHERS, OPERATOR = (NET + str(n) for n in (1, 2, 3, 4, 5))
SERVER, SECOND, UDP_ONLY, TCP_ONLY = (NET + str(n) for n in (53, 54, 55, 56))
LOWER, DROP, EDNS, STRIP, NOBODY = (NET + str(n) for n in (61, 62, 63, 64, 65))
RESOLVER, LYING, HOSTILE = (NET + str(n) for n in (100, 101, 102))
SERVER_V6, NOBODY_V6 = "fd00::53", "fd00::99"
ADDRESSES = [f"{address}/32" for address in (ROOT, TLDS, CUSTOMERS, OTHERS, OPERATOR, SERVER, SECOND, UDP_ONLY, TCP_ONLY,
                                             LOWER, DROP, EDNS, STRIP, NOBODY, RESOLVER, LYING,
                                             HOSTILE)] + [f"{SERVER_V6}/128", f"{NOBODY_V6}/128"]
HOME = "auth.example.org"
RUN_S = 120


def ip(*args):
    """Runs ip(8)."""
    subprocess.run(["ip", *args], check=True)


@contextmanager
def namespace():
    """The name of a network namespace with all the addresses on its loopback interface."""
    name = f"acmezone-{uuid.uuid4().hex[:12]}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        for address in ADDRESSES:
            ip("-n", name, "address", "add", address, "dev", "lo")
        yield name
    finally:
        ip("netns", "delete", name)


@dataclass
class Customer:
    """example.com and the like. how: signed, nsec3, plain, stripped (a DS, but no signatures), expired."""

    name: str
    records: list
    how: str = "plain"
    others: list = None  # what the second of its name servers has, if there is one
    nobody: bool = False  # the second name server does not exist
    at: str = CUSTOMERS  # the first name server


def build(lab, customer):
    """The zones of the customer: one, or two that differ; and the records of its delegation."""
    origin, address = customer.name + ".com.", customer.at
    second = OTHERS if customer.others is not None else NOBODY if customer.nobody else None
    extra = [f"@ NS ns2\nns2 A {second}"] if second else []
    plain = zones.zone(origin, address, *extra, *customer.records)
    zone = plain
    if customer.how in ("signed", "stripped", "expired", "nsec3"):
        options = {"expired": ["-i", "20200101000000", "-e", "20200201000000"], "nsec3": ["-n"]}.get(customer.how, ())
        zone = zones.sign(lab, plain, options)
    if customer.how == "stripped":
        zone = zones.Zone(origin, plain.text, ds=zone.ds)
    other = zones.zone(origin, OTHERS, *extra, *customer.others) if customer.others is not None else None
    hand = zones.delegation(customer.name, f"ns.{customer.name}", address, zone.ds)
    if second:
        hand += [f"{customer.name} NS ns2.{customer.name}", f"ns2.{customer.name} A {second}"]
    return zone, other, hand


class World:
    """See the head. customers is a function of the fulldomain that gives a list of Customer."""

    def __init__(self, tmp_path, name, stack, customers, operator):
        self.inside = ["ip", "netns", "exec", name]
        folder = Path(tmp_path)
        (folder / "lab").mkdir()
        self.stack = stack
        self.folder = folder
        self.lab = stack.enter_context(Lab(folder / "lab", self.inside))
        self.servers = {}
        self.start_server("main", [SERVER, f"[{SERVER_V6}]"], HOME, "two.example.org", "noglue.example.org",
                          "bogus.example.org", "v6.example.org", "ttl.example.org", "lower.example.org",
                          "edns.example.org", "strip.example.org", "drop.example.org", "nsdiff.example.org",
                          "staleglue.example.org", "v6dead.example.org")
        self.account = json.loads(self.lab.run("register", [
            "curl", "-sSf", "-X", "POST", f"{self.servers['main'].api}/register"]))
        self.sub = self.account["subdomain"]
        built = [build(self.lab, customer) for customer in customers(self.account)]
        com = zones.sign(self.lab, zones.zone("com.", TLDS, *(line for _, _, hand in built for line in hand)))
        operator = zones.sign(self.lab, zones.zone("example.org.", OPERATOR, *operator(self)))
        org = zones.sign(self.lab, zones.zone("org.", TLDS, *zones.delegation("example", "ns.example", OPERATOR,
                                                                               operator.ds)))
        self.root = zones.sign(self.lab, zones.zone(".", ROOT, *zones.delegation("com", "ns.com", TLDS, com.ds),
                                                    *zones.delegation("org", "ns.org", TLDS, org.ds)))
        nsd.start(self.lab, "nsd-root", (ROOT, 53), [self.root])
        nsd.start(self.lab, "nsd-tlds", (TLDS, 53), [com, org])
        nsd.start(self.lab, "nsd-operator", (OPERATOR, 53), [operator])
        self.customers = [zone for zone, _, _ in built]
        nsd.start(self.lab, "nsd-customers", (CUSTOMERS, 53), self.customers)
        self.nsd_customers = self.lab.running[-1]
        nsd.start(self.lab, "nsd-others", (OTHERS, 53), [other for _, other, _ in built if other])
        self.anchor = self.lab.path("root.anchor", self.root.dnskey + "\n")

    def start_server(self, name, addresses, *domains, sections=None, **general):
        """One more server of challenges, at port 53 of the addresses; sections are those beside [general]."""
        folder = self.folder / name
        folder.mkdir()
        records = [line for domain in domains for line in (f"{domain}. NS ns.{domain}.", f"ns.{domain}. A {SERVER}")]
        server = Acmezone(folder, wrapper=self.inside, general={
            "listen": [f"{address}:53" for address in addresses], "domain": list(domains), "records": records,
            **general}, **(sections or {}))
        self.servers[name] = self.stack.enter_context(server)
        return server

    def start_resolver(self, name, address, *options):
        """A validating resolver; options are more lines of its server section."""
        hints = self.lab.path("root.hints", f". 60 NS ns.\nns. 60 A {ROOT}\n")
        unbound.start(self.lab, (address, 53), anchors=[self.root], options=[f'root-hints: "{hints}"', *options],
                      name=name)

    def start_box(self, mode, address):
        """A middlebox in front of the main server."""
        script = Path(__file__).with_name("middlebox.py")
        self.lab.start(f"box-{mode}", [sys.executable, script, mode, address, SERVER], [(address, 53)])

    def reload_customers(self):
        """The customers' name server reads its zone files again."""
        self.nsd_customers.send_signal(signal.SIGHUP)

    def start_hostile(self, mode):
        """A name server that answers with what should break whoever asks."""
        script = Path(__file__).with_name("hostile.py")
        self.lab.start(f"hostile-{mode}", [sys.executable, script, mode, HOSTILE], [(HOSTILE, 53)])

    def stop_hostile(self):
        """Ends it."""
        end_session(self.lab.running.pop())

    def publish(self, value, server="main", account=None):
        """Publishes a value for the account."""
        account = account or self.account
        return self.lab.run("publish", [
            "curl", "-sSf", f"{self.servers[server].api}/update", "-H", f"X-Api-User: {account['username']}",
            "-H", f"X-Api-Key: {account['password']}",
            "-d", json.dumps({"subdomain": account["subdomain"], "txt": value})])

    def command(self, command, *args):
        """The command line of a command that looks at this world."""
        return [*self.inside, BINARY, command, "--root", ROOT, "--trust-anchor", str(self.anchor), "--timeout", "1500",
                *map(str, args)]

    def run(self, command, *args):
        """Runs it; the result's text is in stdout."""
        return subprocess.run(self.command(command, *args), env=clean_environment(), text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=RUN_S, check=False)

    def check(self, *args):
        """The checks' objects and the exit status."""
        done = self.run("check", "--json", *args)
        assert done.stderr == "", done.stderr
        reports = [Report(json.loads(line)) for line in done.stdout.splitlines()]
        return reports, done.returncode


class Report:
    """What a check found."""

    def __init__(self, report):
        self.report = report

    def verdict(self, step):
        """The worst of the step."""
        order = ["skip", "ok", "warn", "fail"]
        return max((one["verdict"] for one in self.report["steps"] if one["step"] == step), key=order.index)

    def bad(self):
        """{step: worst verdict} of what is not well."""
        steps = dict.fromkeys(one["step"] for one in self.report["steps"])
        return {step: self.verdict(step) for step in steps if self.verdict(step) in ("warn", "fail")}

    def texts(self, step):
        """Texts and fixes of the step in one."""
        return "\n".join(f"{one['text']} -> {one['fix']}" for one in self.report["steps"] if one["step"] == step)

    def __repr__(self):
        return json.dumps(self.report, indent=1)


@contextmanager
def running(tmp_path, customers, operator):
    """A World that ends with the block."""
    with namespace() as name, ExitStack() as stack:
        yield World(tmp_path, name, stack, customers, operator)
