# SPDX-License-Identifier: MIT
"""`acmezone check` compares resolvers, keeps watching until a mistake is mended, and survives whatever it is answered.

Real resolvers (unbound: validating, over UDP and HTTPS, and one that lies), in a namespace of their own. Needs root.
"""

import json
import os
import pty
import re
import subprocess
import time

import pytest

from acmezone import clean_environment
from certificates import Authority
from lab import world
from lab.world import HOSTILE, LYING, NOBODY, RESOLVER, Customer

VALUE = "w" * 43
MADE_LATER = "later.com"


def customers(account):
    """Those whom resolvers see differently, and one who mends his zone during the test."""
    right = [f"_acme-challenge 60 CNAME {account['fulldomain']}."]
    return [Customer("good", right, "signed"), Customer("stripped", right, "stripped"),
            Customer("lied", right), Customer("later", ["www A 192.0.2.1"]), Customer("hostile", right, at=HOSTILE)]


def operator(_world):
    """Nothing but the server."""
    return [f"auth NS ns.auth\nns.auth A {world.SERVER}"]


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    """A world with three resolvers."""
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    folder = tmp_path_factory.mktemp("world")
    authority = Authority(folder / "authority")
    chain, key, _ = authority.issue(names=f"IP:{RESOLVER}")
    (folder / "doh.pem").write_text(chain)
    (folder / "doh.key").write_text(key)
    with world.running(folder, customers, operator) as running:
        running.authority = authority
        running.start_resolver("resolver", RESOLVER, f"interface: {RESOLVER}@443", f'tls-service-key: "{folder}/doh.key"',
                               f'tls-service-pem: "{folder}/doh.pem"')
        running.start_resolver("liar", LYING, 'local-zone: "lied.com." static')
        running.publish(VALUE)
        yield running


@pytest.mark.parametrize("who", [[RESOLVER], [f"https://{RESOLVER}/dns-query"], [RESOLVER, LYING, f"{RESOLVER}@53"]])
def test_resolvers_that_see_what_the_servers_have_agree(internet, who):
    options = [word for one in who for word in ("--resolver", one)]
    (report,), status = internet.check("--ca-file", internet.authority.root, *options, "good.com")

    assert (report.bad(), status) == ({}, 0), report
    assert report.texts("resolvers").count("agrees") == len(who)


@pytest.mark.parametrize("domain, who, verdict, text", [
    ("lied.com", LYING, "fail", f"the resolver {LYING} does not see that _acme-challenge.lied.com leads to"),
    ("stripped.com", RESOLVER, "fail", "SERVFAIL"),
    ("good.com", NOBODY, "warn", "refuses the connection"),
    ("good.com", f"https://{RESOLVER}/nothing", "warn", "cannot be asked over HTTPS: HTTP status 404"),
    ("good.com", f"https://{NOBODY}/dns-query", "warn", "cannot be asked over HTTPS"),
])
def test_a_resolver_that_sees_something_else_is_named(internet, domain, who, verdict, text):
    (report,), _status = internet.check("--ca-file", internet.authority.root, "--resolver", who, domain)

    assert report.verdict("resolvers") == verdict, report
    assert text in report.texts("resolvers")


def test_a_resolver_whose_certificate_is_not_trusted_is_not_believed(internet):
    (report,), _status = internet.check("--resolver", f"https://{RESOLVER}/dns-query", "good.com")

    assert report.verdict("resolvers") == "warn", report


def test_a_value_that_a_resolver_remembers_is_told_from_the_new_one(internet):
    (report,), status = internet.check("--resolver", RESOLVER, "good.com")
    assert status == 0, report
    internet.publish("x" * 43)
    (report,), _status = internet.check("--resolver", RESOLVER, "good.com")
    assert report.verdict("resolvers") == "ok", "TXT records have a TTL of 0"


def test_several_domains_give_one_line_each_and_the_worst_status(internet):
    reports, status = internet.check("good.com", MADE_LATER, "stripped.com")

    assert [report.report["domain"] for report in reports] == ["good.com", MADE_LATER, "stripped.com"]
    assert [report.report["verdict"] for report in reports] == ["ok", "fail", "fail"]
    assert status == 2


def test_people_read_verdicts_and_fixes(internet):
    done = internet.run("check", "good.com", "stripped.com")

    assert done.returncode == 2
    assert "  ok    cname       _acme-challenge.good.com leads to" in done.stdout
    assert "  => all is well: an authority finds the challenges of this domain" in done.stdout
    assert "  FAIL  dnssec " in done.stdout and "-> sign the zone stripped.com anew, or remove the DS" in done.stdout
    assert "  => a validation would fail" in done.stdout
    assert "\033" not in done.stdout, "colours are for terminals"


def test_a_watch_ends_when_the_mistake_is_mended(internet):
    command = internet.command("check", "--watch", "--interval", "1", "--json", MADE_LATER)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          env=clean_environment()) as watch:
        first = json.loads(watch.stdout.readline())
        assert first["verdict"] == "fail"
        zone = internet.lab.path(f"nsd-customers-{MADE_LATER}.zone")
        zone.write_text(zone.read_text().replace(
            "www A 192.0.2.1", f"_acme-challenge 60 CNAME {internet.account['fulldomain']}."))
        internet.reload_customers()
        second = json.loads(watch.stdout.readline())
        assert second["verdict"] == "ok", "what has not changed is not said again"
        assert watch.wait(30) == 0


def test_a_watch_on_a_terminal_draws_over_what_it_drew(internet):
    leader, follower = pty.openpty()
    command = internet.command("check", "--watch", "--interval", "1", "stripped.com")
    with subprocess.Popen(command, stdout=follower, stdin=subprocess.DEVNULL, env=clean_environment()) as watch:
        os.close(follower)
        seen = ""
        while not re.search(r"\033\[\d+A\033\[J", seen):  # the cursor goes back up
            chunk = read_terminal(leader)
            assert chunk, seen
            seen += chunk.decode()
        watch.terminate()
    os.close(leader)
    assert "\033[31mFAIL" in seen and "looked 1 time; again in 1 s" in seen


def read_terminal(leader):
    """What comes, or nothing at its end, which Linux says with an error."""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""


def test_the_deadline_ends_a_check_of_servers_that_do_not_answer(internet):
    internet.start_hostile("silent")
    began = time.monotonic()
    (report,), status = internet.check("--timeout", "20000", "--deadline", "3", "hostile.com")
    assert time.monotonic() - began < 25, "without the deadline the servers' time-outs take longer"
    assert status == 2 and report.verdict("zone") == "fail", report
    internet.stop_hostile()


@pytest.mark.parametrize("mode", ["garbage", "endless", "other", "compressed", "many", "labels", "random"])
def test_hostile_answers_make_a_failure_and_no_crash(internet, mode):
    internet.start_hostile(mode)
    try:
        (report,), status = internet.check("--deadline", "10", "hostile.com")
    finally:
        internet.stop_hostile()
    assert status == 2, report
    assert report.bad()


@pytest.mark.parametrize("args, words", [
    ([], "which domain?"),
    (["--nonsense", "good.com"], "see \"acmezone check --help\""),
    (["exämple.com"], "is not a domain name"),
    (["a..com"], "is not a domain name"),
    (["a" * 64 + ".com"], "is not a domain name"),
    (["good.com/"], "is not a domain name"),
    (["--resolver", "resolver.example", "good.com"], "neither IP[@PORT] nor https"),
    (["--root", "1.2.3.4@0", "good.com"], "neither IP[@PORT] nor https"),
    (["--trust-anchor", "/nonexistent", "good.com"], "/nonexistent: cannot be opened"),
    (["--trust-anchor", "/etc/passwd", "good.com"], "holds something else"),
    (["--deadline", "0", "good.com"], "is not a number"),
    (["-c", "/nonexistent", "good.com"], "/nonexistent"),
])
def test_bad_input_gives_one_line_and_a_status_of_its_own(internet, args, words):
    done = internet.run("check", *args)

    assert done.returncode == 3
    assert words in done.stderr and done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if line.startswith("acmezone")]) == 1, done.stderr


def test_help_names_every_step_and_status(internet):
    done = internet.run("check", "--help")

    assert done.returncode == 0
    for word in ("--resolver", "--trust-anchor", "Exit status: 0", "delegation", "cname", "caa", "dnssec"):
        assert word in done.stdout
