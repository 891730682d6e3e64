# SPDX-License-Identifier: MIT
"""`acmezone watch` knows how each domain stands, tells somebody once, and sees a dying server before a renewal needs it.

Certificates are real ones, in files and served by openssl; parents are nsd, the servers of challenges ours, all in a network
namespace. Needs root.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acmezone import clean_environment, wait_until
from certificates import Authority
from lab import world
from lab.processes import end_session
from lab.world import NOBODY, RESOLVER, SECOND, Customer

TLS = RESOLVER  # an address of the namespace that nobody else uses here
DAY_S = 86400
NUMBERS = itertools.count()


def customers(account):
    """Customers who did it right, and some who mend it during a test."""
    right = [f"_acme-challenge 60 CNAME {account['fulldomain']}."]
    return [Customer("good", right, "signed"), Customer("other", right), Customer("later", ["www A 192.0.2.1"]),
            Customer("fragile", right)]


def operator(_world):
    """The server, and a second one with a zone of its own."""
    return [f"auth NS ns.auth\nns.auth A {world.SERVER}", f"two NS ns.two\nns.two A {SECOND}"]


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    """A world with an authority that signs what a test wants."""
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    folder = tmp_path_factory.mktemp("world")
    with world.running(folder, customers, operator) as running:
        running.authority = Authority(folder / "authority")
        running.start_server("second", [SECOND], "two.example.org")
        yield running


class Watch:
    """One state file and what is told."""

    def __init__(self, internet, folder):
        self.internet, self.folder = internet, folder
        self.state, self.metrics, self.told = folder / "state.json", folder / "metrics.prom", folder / "told"

    def certificate(self, days, names="DNS:good.com,DNS:*.good.com", name="chain.pem"):
        """The path of a file with a certificate of so many days; 0: expired."""
        chain, key, _ = self.internet.authority.issue(dates=("-days", days or -1), names=names)
        path = self.folder / name
        path.write_text(chain)
        (self.folder / f"{name}.key").write_text(key)
        return path

    def list(self, *lines):
        """The path of a file with the lines."""
        path = self.folder / f"list-{next(NUMBERS)}"
        path.write_text("\n".join(lines) + "\n")
        return path

    def options(self, *args):
        """The command line's end."""
        return ["--state", self.state, "--metrics", self.metrics, "--json", "--exec",
                f"cat >>{self.told}; echo >>{self.told}; test $ACMEZONE_EVENT", *args]

    def once(self, *args):
        """{domain: what was printed} and the exit status of one look."""
        done = self.internet.run("watch", "--once", *self.options(*args))
        assert done.stderr == "", done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["domain"]: line for line in lines}, done.returncode

    def alerts(self):
        """What the command was told so far."""
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        return [json.loads(line) for line in lines if line]


@pytest.fixture
def watch(internet, tmp_path):
    """A Watch of its own for a test."""
    return Watch(internet, tmp_path)


def rewrite(internet, domain, old, new):
    """Changes the zone of a customer, and waits until it is served."""
    zone = internet.lab.path(f"nsd-customers-{domain}.zone")
    text = zone.read_text()
    assert old in text
    zone.write_text(text.replace(old, new))
    internet.reload_customers()
    probe = ["dig", "+short", "+time=5", "+tries=4", f"@{world.CUSTOMERS}", "CNAME", f"_acme-challenge.{domain}"]
    wanted = "CNAME" in new
    wait_until(lambda: bool(internet.lab.run("dig", probe).strip()) == wanted, "the zone is not served")


def test_a_domain_goes_from_pending_to_live(internet, watch):
    path = watch.folder / "later.pem"
    listed = watch.list("# ours", f"later.com {path}   # not there yet")

    def state():
        seen, status = watch.once(listed)
        return seen["later.com"]["state"], status, seen["later.com"]["reason"]

    found, status, reason = state()
    assert (found, status) == ("pending", 1) and "there is no CNAME" in reason
    rewrite(internet, "later.com", "www A 192.0.2.1", f"_acme-challenge 60 CNAME {internet.account['fulldomain']}.")
    found, status, reason = state()
    assert (found, status) == ("verified", 0) and "there is no file" in reason
    internet.publish("i" * 43)
    assert state()[:2] == ("issuing", 1)
    watch.certificate(60, "DNS:later.com", "later.pem")
    assert state()[:2] == ("live", 0)
    kept = json.loads(watch.state.read_text())["domains"]["later.com"]
    assert kept["state"] == "live" and kept["had_certificate"] and abs(kept["since"] - time.time()) < 60
    assert watch.state.stat().st_mode & 0o777 == 0o600
    assert watch.alerts() == []


@pytest.mark.parametrize("days, names, state, words", [
    (60, "DNS:good.com", "live", "for (60|59) more days"),
    (20, "DNS:good.com", "expiring", "for (20|19) more days"),
    (0, "DNS:good.com", "broken", "has expired on"),
    (60, "DNS:evil.com", "broken", "is not for good.com"),
])
def test_a_certificate_in_a_file_is_judged(watch, days, names, state, words):
    seen, status = watch.once(watch.list(f"good.com {watch.certificate(days, names)}"))

    assert (seen["good.com"]["state"], status) == (state, {"live": 0, "expiring": 1, "broken": 2}[state])
    assert re.search(words, seen["good.com"]["reason"])


def test_wildcards_need_a_certificate_for_them(watch):
    narrow, wide = (watch.certificate(60, names, f"{n}.pem") for n, names in enumerate(("DNS:good.com", "DNS:*.good.com")))
    assert watch.once(watch.list(f"*.good.com {narrow}"))[1] == 2
    other = Watch(watch.internet, watch.folder / "other")
    other.folder.mkdir()
    assert other.once(other.list(f"*.good.com {wide}"))[1] == 0


@pytest.fixture
def served(internet, watch):
    """A function that serves a certificate of so many days at HOST:PORT, until the test ends."""
    started = []

    def serve(days, names="DNS:good.com"):
        path = watch.certificate(days, names, f"served-{len(started)}.pem")
        port = 4430 + next(NUMBERS)
        internet.lab.start(f"tls-{port}", ["openssl", "s_server", "-accept", f"{TLS}:{port}", "-cert", path, "-key",
                                           f"{path}.key", "-cert_chain", path, "-quiet"], [(TLS, port)])
        started.append(internet.lab.running.pop())
        return f"{TLS}:{port}"

    yield serve
    for process in started:
        end_session(process)


def test_a_certificate_over_tls_is_judged(internet, watch, served):
    root = internet.authority.root
    lines = {"live": f"good.com {served(60)}", "broken": f"other.com {served(60)}"}
    seen, status = watch.once("--ca-file", root, watch.list(*lines.values()))
    assert seen["good.com"]["state"] == "live" and status == 2
    assert "is not for other.com" in seen["other.com"]["reason"]

    other = watch.folder / "other"
    other.mkdir()
    seen, _status = Watch(internet, other).once(watch.list(lines["live"]))
    assert seen["good.com"]["state"] == "broken" and "not trusted" in seen["good.com"]["reason"]


def test_where_nobody_serves_a_certificate_there_is_none_yet(watch):
    seen, status = watch.once(watch.list(f"good.com {NOBODY}:443"))
    assert "nobody can be reached there (Connection refused)" in seen["good.com"]["reason"]
    assert seen["good.com"]["state"] in ("verified", "issuing") and status in (0, 1)


def test_an_alert_comes_once_for_each_threshold_and_when_it_is_over(watch):
    listed = watch.list(f"good.com {watch.certificate(20)}")
    for days, n_told, event in ((20, 1, "expiring"), (20, 1, "expiring"), (10, 2, "expiring"), (5, 3, "expiring"),
                                (1, 4, "expiring"), (80, 5, "recovered"), (80, 5, "recovered")):
        watch.certificate(days)
        watch.once(listed)
        told = watch.alerts()
        assert len(told) == n_told
        assert (told[-1]["event"], told[-1]["domain"]) == (event, "good.com")
        assert told[-1]["days_left"] in (days, days - 1)


def test_an_alert_that_could_not_be_delivered_is_tried_again(internet, watch):
    listed = watch.list(f"good.com {watch.certificate(3)}")
    box = watch.folder / "box"
    port = 8080 + next(NUMBERS)
    post = ["--post", f"http://{TLS}:{port}/alert"]
    done = internet.run("watch", "--once", "--state", watch.state, *post, listed)
    assert done.returncode == 1 and "the alert about good.com was not taken" in done.stderr
    internet.lab.start(f"mailbox-{port}", [sys.executable, Path(world.__file__).with_name("mailbox.py"), TLS, port, box],
                       [(TLS, port)])
    for _ in range(2):
        done = internet.run("watch", "--once", "--state", watch.state, *post, listed)
        assert done.stderr == ""
    (told,) = [json.loads(line) for line in box.read_text().splitlines()]
    assert (told["event"], told["state"], told["before"]) == ("expiring", "expiring", "")


@pytest.mark.parametrize("shape", ["slack", "pagerduty"])
def test_alerts_have_the_shape_that_the_receiver_takes(internet, watch, shape):
    box, port = watch.folder / "box", 8080 + next(NUMBERS)
    internet.lab.start(f"mailbox-{port}", [sys.executable, Path(world.__file__).with_name("mailbox.py"), TLS, port, box],
                       [(TLS, port)])
    key = watch.folder / "key"
    key.write_text("routing-key\n")
    listed = watch.list(f"good.com {watch.certificate(0)}")
    options = ["--post", f"http://{TLS}:{port}/", "--post-as", shape, "--pagerduty-key-file", key]
    watch.once(*options, listed)
    watch.certificate(60)
    watch.once(*options, listed)

    bad, over = [json.loads(line) for line in box.read_text().splitlines()]
    if shape == "slack":
        assert list(bad) == ["text"] and bad["text"].startswith("good.com: broken: the certificate has expired")
        assert over["text"].startswith("good.com: recovered: ")
    else:
        assert (bad["routing_key"], bad["event_action"], bad["dedup_key"]) == ("routing-key", "trigger",
                                                                             "acmezone/good.com")
        assert bad["payload"]["severity"] == "critical" and bad["payload"]["source"] == "good.com"
        assert bad["payload"]["custom_details"]["reason"].startswith("the certificate has expired")
        assert (over["event_action"], over["dedup_key"]) == ("resolve", bad["dedup_key"])


def test_a_delegation_that_is_lost_is_broken_at_the_second_look(internet, watch):
    listed = watch.list(f"fragile.com {watch.certificate(60, 'DNS:fragile.com')}")
    record = f"_acme-challenge 60 CNAME {internet.account['fulldomain']}."
    assert watch.once(listed)[0]["fragile.com"]["state"] == "live"
    rewrite(internet, "fragile.com", record, "www A 192.0.2.1")
    assert watch.once(listed)[0]["fragile.com"]["state"] == "live", "one bad look is not believed"
    assert watch.alerts() == []
    seen, status = watch.once(listed)
    assert (seen["fragile.com"]["state"], status) == ("broken", 2)
    assert "could not be renewed: cname: there is no CNAME" in seen["fragile.com"]["reason"]
    rewrite(internet, "fragile.com", "www A 192.0.2.1", record)
    assert watch.once(listed)[0]["fragile.com"]["state"] == "live", "what is mended is believed at once"
    assert [alert["event"] for alert in watch.alerts()] == ["broken", "recovered"]


def test_the_right_target_can_be_listed(internet, watch):
    seen, status = watch.once(watch.list("good.com - elsewhere.example.org"))
    assert status == 1 and "wrong place" in seen["good.com"]["reason"]


def test_metrics_tell_states_and_ends(watch):
    watch.once(watch.list(f"good.com {watch.certificate(20)}", "later.net -"))
    lines = watch.metrics.read_text().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    assert values['acmezone_watch_state{domain="good.com",state="expiring"}'] == "1"
    assert values['acmezone_watch_state{domain="good.com",state="live"}'] == "0"
    assert values['acmezone_watch_state{domain="later.net",state="pending"}'] == "1"
    assert values['acmezone_watch_step_failed{domain="later.net",step="zone"}'] == "1"
    end = float(values['acmezone_watch_certificate_not_after_seconds{domain="good.com"}'])
    assert abs(end - time.time() - 20 * DAY_S) < 600
    assert "# TYPE acmezone_watch_state gauge" in lines
    assert watch.metrics.stat().st_mode & 0o777 == 0o644


def credentials(watch, account, **changes):
    """The path of a credentials file with one account."""
    path = watch.folder / "credentials.json"
    path.write_text(json.dumps({"probe": {**account, **changes}}))
    return path


def test_a_probe_measures_an_update_and_harms_nothing(internet, watch):
    second = internet.servers["second"]
    account = json.loads(internet.lab.run("register-probe", ["curl", "-sSf", "-X", "POST", f"{second.api}/register"]))
    options = ["--probe", credentials(watch, account), "--server", second.api]
    for _ in range(2):
        seen, status = watch.once(*options)
        ((name, line),) = seen.items()
        assert status == 0 and name == f"probe probe at {second.api}"
        assert "an update takes" in line["reason"]
    values = internet.lab.run("dig-probe", ["dig", "+short", f"@{SECOND}", "TXT", account["fulldomain"]]).split()
    assert len(values) == 1, "the second probe has written the value of the first once more"
    text = watch.metrics.read_text()
    assert f'acmezone_watch_probe_success{{probe="probe",server="{second.api}"}} 1.000' in text
    assert "acmezone_watch_probe_dns_seconds{" in text

    for value in ("a", "b"):
        internet.publish(value * 43, "second", account)
    seen, status = watch.once(*options)
    assert status == 0 and "nothing was written" in seen[f"probe probe at {second.api}"]["reason"]
    values = internet.lab.run("dig-probe", ["dig", "+short", f"@{SECOND}", "TXT", account["fulldomain"]]).split()
    assert sorted(value.strip('"')[0] for value in values) == ["a", "b"]


def test_a_probe_sees_a_server_that_fails(internet, watch):
    api = internet.servers["main"].api
    seen, status = watch.once("--probe", credentials(watch, internet.account, password="x" * 40), "--server", api)
    assert status == 2 and "the API answers 401" in seen[f"probe probe at {api}"]["reason"]

    gone = f"http://{NOBODY}:8053"
    seen, status = watch.once("--probe", credentials(watch, internet.account, server_url=gone))
    assert status == 2 and "the API cannot be reached" in seen[f"probe probe at {gone}"]["reason"]
    assert [alert["event"] for alert in watch.alerts()] == ["broken", "broken"]
    assert internet.account["password"] not in watch.state.read_text() + watch.metrics.read_text()


def test_a_watch_goes_on_until_it_is_told_to_end(internet, watch):
    listed = watch.list(f"good.com {watch.certificate(60)}")
    command = internet.command("watch", "--interval", "1", *watch.options(listed))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          env=clean_environment()) as running:
        assert json.loads(running.stdout.readline())["state"] == "live"
        watch.certificate(10)
        assert json.loads(running.stdout.readline())["state"] == "expiring", "what has not changed is not said again"
        second = internet.run("watch", "--once", *watch.options(listed))
        assert second.returncode == 3 and "another watch keeps its state there" in second.stderr
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def test_a_state_file_that_is_none_is_put_aside(internet, watch):
    watch.state.write_text("{ torn")
    listed = watch.list(f"good.com {watch.certificate(60)}")
    done = internet.run("watch", "--once", *watch.options(listed))

    assert done.returncode == 0 and "not a state file" in done.stderr
    assert Path(f"{watch.state}.bad").read_text() == "{ torn"
    assert watch.once(listed)[1] == 0


@pytest.mark.parametrize("args, words", [
    ([], "watch what?"),
    (["exämple.com"], "is not a domain name"),
    (["/nonexistent/list"], "/nonexistent/list"),
    (["{list}"], ":2: this is not DOMAIN"),
    (["--alert-days", "2,30", "good.com"], "the largest first"),
    (["--post-as", "fax", "good.com"], "neither plain, slack nor pagerduty"),
    (["--probe", "/nonexistent"], "/nonexistent"),
    (["--probe", "/etc/passwd"], "/etc/passwd"),
    (["--probe", "{credentials}"], "an account without a server"),
    (["--server", "ftp://x", "good.com"], "no http or https URL"),
    (["--state", "/nonexistent/state", "good.com"], "/nonexistent/state"),
    (["--pagerduty-key-file", "/nonexistent", "good.com"], "/nonexistent"),
])
def test_bad_input_gives_one_line_and_a_status_of_its_own(internet, watch, args, words):
    files = {"list": watch.list("good.com", "bad line with too many words"),
             "credentials": credentials(watch, internet.account)}
    state = [] if "--state" in args else ["--state", watch.state]
    done = internet.run("watch", "--once", *state, *(arg.format(**files) for arg in args))

    assert done.returncode == 3
    assert words in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
