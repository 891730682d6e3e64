# SPDX-License-Identifier: MIT
"""The blocks of docs/recipes that look at a domain from the root down: onboarding, and the runbook's commands.

In the small Internet of lab.world, with a customer who did it right, one whose record is proxied, one who has none yet.
Needs root: `make e2e` leaves this file out for anybody else.
"""

import json
import os

import pytest

from acmezone import BINARY
from lab import world
from lab.recipes import Machine
from lab.world import ROOT, SERVER, Customer


def customers(account):
    return [Customer("good", [f"_acme-challenge 300 CNAME {account['fulldomain']}."], "signed"),
            Customer("proxied", ["_acme-challenge A 192.0.2.7"]), Customer("fresh", ["www A 192.0.2.1"]),
            Customer("ours", [f"_acme-challenge CNAME {account['subdomain']}.two.example.org."])]


def operator(_world):
    return ["auth NS ns.auth", f"ns.auth A {SERVER}", "two NS ns.two", f"ns.two A {world.NOBODY}"]


class Service:
    """The world, and the backend of a service that onboards its customers."""

    def __init__(self, internet):
        self.internet, self.lab = internet, internet.lab
        api = internet.servers["main"].api
        self.shop = self.lab.path("shop")
        self.shop.mkdir()
        self.machine = Machine(self.lab, {"https://auth.example.org": api, "/var/lib/shop/": f"{self.shop}/",
                                          "example.com": "good.com"})
        (self.machine.bin / "acmezone").unlink()
        self.machine.command("acmezone", f"""
            command=$1
            shift
            case $command in
            check | watch) set -- --root {ROOT} --trust-anchor {internet.anchor} --timeout 700 "$@" ;;
            esac
            exec {BINARY} "$command" "$@"
            """)
        self.accounts = self.shop / "accounts.json"
        account = {**internet.account, "server_url": api}
        expected = {**account, "fulldomain": f"{account['subdomain']}.two.example.org"}
        self.accounts.write_text(json.dumps({"good.com": account, "proxied.com": account, "ours.com": expected}))
        self.accounts.chmod(0o600)
        self.machine.env.update(ACMEZONE_ROOT=ROOT, ACMEZONE_CREDENTIALS=str(self.accounts))

    def run(self, name, domain):
        return self.machine.run(name, env={"DOMAIN": domain})

    def filtered(self, name, domain, stdin="/dev/null"):
        """What a block prints on standard output alone, and its exit status."""
        block, out = self.lab.path(f"{name}.block", self.machine.text(name)), self.lab.path(f"{name}.{domain}.out")
        status = self.lab.run(name, ["sh", "-c", f"sh -eu {block} <{stdin} >{out}; echo $?"],
                              env={**self.machine.env, "DOMAIN": domain})
        return out, int(status.splitlines()[-1])


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    with world.running(tmp_path_factory.mktemp("world"), customers, operator) as internet:
        yield Service(internet)


def test_a_new_customer_gets_an_account_and_sees_the_record_to_make(service):
    printed = service.run("onboarding-register", "new.com")
    fulldomain = json.loads(service.accounts.read_text())["new.com"]["fulldomain"]
    wanted = f"_acme-challenge.new.com. 300 IN CNAME {fulldomain}.\n"
    assert printed.endswith(wanted)
    assert service.run("onboarding-register", "new.com") == wanted, "asked again, the same"
    record = json.loads(service.run("onboarding-record", "new.com"))
    assert record == {"type": "CNAME", "name": "_acme-challenge", "fqdn": "_acme-challenge.new.com.",
                      "value": fulldomain, "ttl": 300, "proxy": "DNS only"}


@pytest.mark.parametrize("domain, status, told", [
    ("good.com", 0, ["Your record is right."]),
    ("proxied.com", 2, ["has addresses (A or AAAA) where a CNAME is expected", "DNS only"]),
    ("fresh.com", 2, ["there is no CNAME at _acme-challenge.fresh.com", "To do: "]),
    ("ours.com", 2, ["We have a problem on our side"]),
])
def test_the_customer_is_told_what_is_wrong_and_what_to_do(service, domain, status, told):
    if domain == "fresh.com":
        service.run("onboarding-register", domain)
    report, found = service.filtered("onboarding-check", domain)
    assert found == status, report.read_text()
    shown, _status = service.filtered("onboarding-show", domain, stdin=report)
    assert all(text in shown.read_text() for text in told), shown.read_text()


def test_all_customers_are_watched_and_their_states_are_those_of_the_page(service):
    accounts = json.loads(service.accounts.read_text())
    service.accounts.write_text(json.dumps({**accounts, "good.com https://auth2.example.org": accounts["good.com"]}))
    printed, status = service.filtered("onboarding-watch", "all")
    states = {line["domain"]: line["state"] for line in map(json.loads, printed.read_text().splitlines())}
    assert states.pop("good.com") == "verified" and set(states.values()) == {"pending"} and status == 1
    assert {"good.com", *states} == set(accounts)
    assert "acmezone" in (service.shop / "acmezone.prom").read_text()
    assert (service.shop / "watch.json").exists()


def test_the_commands_of_the_runbook_find_a_good_domain_good(service):
    assert "the rehearsal went well" in service.run("runbook-commands", "good.com")
