# SPDX-License-Identifier: MIT
"""`acmezone hook` publishes what every ACME client hands it, and returns only when the world sees it.

Two servers answer for one zone, in the small Internet of lab.world; both know the customer's account, as replicas do,
but here the values are each server's own. One of them, or both, die in the middle. Needs root: `make e2e` leaves this
file out for anybody else.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import threading

import pytest

from acmezone import BINARY, clean_environment, wait_until
from lab import world
from lab.world import CUSTOMERS, HOME, ROOT, SECOND, SERVER, Customer

DONE, USAGE, CNAME, DOWN, REFUSED, UNSEEN, CREDENTIALS = 0, 2, 3, 4, 5, 6, 7
RUN_S = 120
A, B, C = (letter * 43 for letter in "abc")


def customers(account):
    right = f"_acme-challenge CNAME {account['fulldomain']}."
    return [Customer("good", [right], "signed"), Customer("other", [right]),
            Customer("wrong", [f"_acme-challenge CNAME {account['subdomain']}.auth.example.net."]),
            *(Customer(name, ["www A 192.0.2.1"]) for name in ("fresh", "later", "both", "lexicon"))]


def operator(_world):
    return ["auth NS ns.auth", "auth NS ns2.auth", f"ns.auth A {SERVER}", f"ns2.auth A {SECOND}"]


class Hooks:
    """The world, and the hook in it."""

    def __init__(self, internet, folder):
        self.internet, self.folder = internet, folder
        self.main = internet.servers["main"]
        store = folder / "twin-store"
        self.main.stop()
        shutil.copytree(self.main.tmp_path / "data", store)
        self.main.start()
        self.twin = internet.start_server("twin", [SECOND], HOME, sections={"database": {"connection": str(store)}})

    def keys(self, name, accounts=None):
        """A file of credentials."""
        path = self.folder / f"{name}.json"
        path.unlink(missing_ok=True)
        if accounts is not None:
            path.write_text(json.dumps(accounts))
            path.chmod(0o600)
        return path

    def own(self, name, *domains):
        """A file with the account that the two servers share."""
        return self.keys(name, {domain: {**self.internet.account, "server_url": self.main.api} for domain in domains})

    def argv(self, keys, words, servers=None, deadline=60, options=()):
        servers = [self.main, self.twin] if servers is None else servers
        return [*self.internet.inside, BINARY, "hook", "--root", ROOT, "--credentials", str(keys), "--deadline",
                str(deadline), "--timeout", "10", *(word for one in servers for word in ("--server", one.api)),
                *options, *words]

    def run(self, keys, *words, env=None, **how):
        return subprocess.run(self.argv(keys, words, **how), env=clean_environment(env), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=RUN_S, check=False)

    def values(self, fulldomain=None):
        """What the two servers answer."""
        name = fulldomain or self.internet.account["fulldomain"]
        return [self.ask(address, name) for address in (SERVER, SECOND)]

    def ask(self, address, name):
        out = subprocess.run([*self.internet.inside, "dig", "+short", "+tries=1", "+time=5", f"@{address}", name, "TXT"],
                             env=clean_environment(), text=True, capture_output=True, check=False).stdout
        return re.findall(r'^"(.*)"$', out, re.M)

    def change_zone(self, domain, record):
        """The customer's name server gets another record for the challenge."""
        path = self.internet.folder / f"lab/nsd-customers-{domain}.zone"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("_acme-challenge")]
        lines = [re.sub(r"(SOA \S+ \S+) (\d+)", lambda soa: f"{soa[1]} {int(soa[2]) + 1}", line) for line in lines]
        path.write_text("\n".join([*lines, record, ""]))
        self.internet.reload_customers()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    with world.running(tmp_path_factory.mktemp("world"), customers, operator) as internet:
        yield Hooks(internet, tmp_path_factory.mktemp("hooks"))


@pytest.fixture
def living(hooks):
    """The hooks; servers that the test has stopped are there again after it."""
    yield hooks
    for server in (hooks.main, hooks.twin):
        if server.process.poll() is not None:
            server.start()


def test_the_value_is_at_every_server_when_the_hook_returns(hooks):
    keys = hooks.own("both", "good.com")
    done = hooks.run(keys, "publish", "_acme-challenge.good.com.", A)
    assert (done.returncode, done.stdout, done.stderr) == (DONE, "", "")
    assert all(A in values for values in hooks.values())


def test_a_server_killed_in_the_middle_is_a_warning_and_the_other_one_serves(living):
    keys = living.own("killed", "good.com")
    living.twin.kill()
    done = living.run(keys, "publish", "good.com", B)
    assert done.returncode == DONE, done.stderr
    assert f"{living.twin.api} cannot be reached" in done.stderr and f"warning: {SECOND}" in done.stderr
    assert B in living.values()[0]


def test_the_first_server_may_be_the_dead_one(living):
    keys = living.own("first", "good.com")
    main = living.main.api
    living.main.kill()
    done = living.run(keys, "publish", "good.com", B)
    assert done.returncode == DONE and f"{main} cannot be reached" in done.stderr, done.stderr
    assert B in living.values()[1]


def test_a_name_server_that_answers_without_the_value_is_waited_for_and_not_passed_over(hooks):
    keys = hooks.own("one", "good.com")
    done = hooks.run(keys, "publish", "good.com", C, servers=[hooks.main], deadline=5)
    assert done.returncode == UNSEEN
    assert f"good.com: not seen in time: {SECOND} answers NOERROR, without the value" in done.stderr


def test_a_value_that_comes_late_is_seen(hooks):
    keys = hooks.own("late", "good.com")
    value = "late" + A[4:]
    with subprocess.Popen(hooks.argv(keys, ["publish", "good.com", value], servers=[hooks.main]), stderr=subprocess.PIPE,
                          env=clean_environment(), text=True) as waiting:
        wait_until(lambda: value in hooks.ask(SERVER, hooks.internet.account["fulldomain"]), "never published")
        assert waiting.poll() is None
        hooks.internet.publish(value, "twin")
        assert (waiting.wait(RUN_S), waiting.stderr.read()) == (DONE, "")


def test_without_any_server_the_run_fails_and_says_so(living):
    keys = living.own("down", "good.com")
    before = keys.read_bytes()
    for server in (living.main, living.twin):
        server.kill()
    done = living.run(keys, "publish", "good.com", A, deadline=4)
    assert done.returncode == DOWN and "good.com: no server has taken the value" in done.stderr
    assert keys.read_bytes() == before


def test_the_fallback_publishes_when_every_server_is_down(living):
    """It does what Lexicon does: another way to the customer's own zone."""
    keys = living.own("fallback", "lexicon.com")
    zone = living.internet.folder / "lab/nsd-customers-lexicon.com.zone"
    living.change_zone("lexicon.com", f"_acme-challenge CNAME {living.internet.account['fulldomain']}.")
    fulldomain = living.internet.account["fulldomain"]
    wait_until(lambda: fulldomain in str(subprocess.run(
        [*living.internet.inside, "dig", "+short", f"@{CUSTOMERS}", "_acme-challenge.lexicon.com", "CNAME"],
        capture_output=True, check=False).stdout), "the zone was not loaded")
    for server in (living.main, living.twin):
        server.kill()
    said = living.folder / "said"
    command = (f'echo "$NAME $DOMAIN" >{said}; '
               f'sed -i -e "s/^_acme-challenge .*/_acme-challenge TXT $VALUE/" -e "s/hostmaster [0-9]*/hostmaster 99/" '
               f"{zone} && kill -HUP {living.internet.nsd_customers.pid}")
    done = living.run(keys, "publish", "lexicon.com", A, deadline=16, options=["--fallback", command])
    assert done.returncode == DONE, done.stderr
    assert "running the fallback" in done.stderr
    assert said.read_text() == "_acme-challenge.lexicon.com lexicon.com\n"
    assert living.ask(CUSTOMERS, "_acme-challenge.lexicon.com") == [A]


def test_a_fallback_that_fails_or_hangs_fails_the_run(living):
    keys = living.own("bad-fallback", "good.com")
    for server in (living.main, living.twin):
        server.kill()
    done = living.run(keys, "publish", "good.com", A, deadline=4, options=["--fallback", "exit 7"])
    assert done.returncode == DOWN and "the fallback ended with exit code 7" in done.stderr
    done = living.run(keys, "publish", "good.com", A, deadline=4, options=["--fallback", "sleep 600 & sleep 600"])
    assert done.returncode == DOWN and "the fallback was ended at the deadline" in done.stderr


def cname_of(text):
    """The record that the hook wants to be created."""
    return re.search(r"^(_acme-challenge\.\S+)\. 300 IN CNAME (\S+)\.$", text, re.M)


def test_the_first_use_registers_and_prints_the_record_to_create(hooks):
    keys = hooks.keys("fresh")
    done = hooks.run(keys, "publish", "*.Fresh.com", A)
    record = cname_of(done.stderr)
    assert done.returncode == CNAME and record[1] == "_acme-challenge.fresh.com"
    stored = json.loads(keys.read_text())
    assert list(stored) == ["fresh.com"] and stored["fresh.com"]["fulldomain"] == record[2]
    assert {"username", "password", "subdomain", "allowfrom", "server_url"} <= set(stored["fresh.com"])
    assert stored["fresh.com"]["server_url"] == hooks.main.api
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    again = hooks.run(keys, "register", "fresh.com")
    assert again.returncode == DONE and cname_of(again.stdout)[2] == record[2]
    assert json.loads(keys.read_text()) == stored


def test_the_record_is_waited_for(hooks):
    keys = hooks.keys("later")
    argv = hooks.argv(keys, ["publish", "later.com", A], servers=[hooks.main],
                      options=["--cname-wait", "60"])
    with subprocess.Popen(argv, stderr=subprocess.PIPE, env=clean_environment(), text=True) as waiting:
        wait_until(keys.exists, "nothing registered")
        fulldomain = json.loads(keys.read_text())["later.com"]["fulldomain"]
        hooks.change_zone("later.com", f"_acme-challenge CNAME {fulldomain}.")
        wait_until(lambda: A in hooks.ask(SERVER, fulldomain), "never published", RUN_S)
        waiting.kill()


def test_a_record_that_leads_elsewhere_is_told(hooks):
    keys = hooks.own("wrong", "wrong.com")
    done = hooks.run(keys, "publish", "wrong.com", A)
    account = hooks.internet.account
    assert done.returncode == CNAME
    assert f"wrong.com: the CNAME leads to {account['subdomain']}.auth.example.net instead" in done.stderr
    assert cname_of(done.stderr)[2] == account["fulldomain"]


def test_runs_that_overlap_register_once(hooks):
    keys = hooks.keys("overlap")
    runs = [hooks.argv(keys, ["register", "fresh.com", "later.com"], servers=[hooks.main]) for _ in range(6)]
    found = []

    def work(argv):
        found.append(subprocess.run(argv, env=clean_environment(), text=True, capture_output=True, check=True).stdout)

    threads = [threading.Thread(target=work, args=(argv,)) for argv in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert sorted(json.loads(keys.read_text())) == ["fresh.com", "later.com"]


def test_a_server_that_does_not_know_the_account_gets_one_of_its_own(hooks, tmp_path):
    """And the other one's, and what other programs keep in the file, stays."""
    stranger = hooks.internet.start_server("stranger", ["127.0.0.1"], "strange.example.org")
    keys = hooks.own("stranger", "good.com", "other.com")
    before = json.loads(keys.read_text())
    done = hooks.run(keys, "publish", "good.com", A, servers=[hooks.main, hooks.twin, stranger])
    assert done.returncode == DONE, done.stderr
    stored = json.loads(keys.read_text())
    assert stored.pop(f"good.com {stranger.api}")["fulldomain"].endswith("strange.example.org")
    assert stored == before
    stranger.stop()


@pytest.mark.parametrize("form, env", [
    ([], {"CERTBOT_DOMAIN": "good.com", "CERTBOT_VALIDATION": "{0}"}),
    (["deploy_challenge", "good.com", "token", "{0}", "other.com", "token", "{1}"], {}),
    (["present", "_acme-challenge.good.com.", "{0}"], {}),
    (["present", "_acme-challenge.good.com.", "{0}", "120"], {}),
    (["present", "{fulldomain}.", "{0}"], {}),
    (["begin", "dns-01", "good.com", "token", "{0}"], {}),
    (["add", "_acme-challenge.good.com", "{0}"], {}),
    (["publish", "good.com", "{0}", "other.com", "{1}"], {}),
])
def test_every_client_is_understood(hooks, form, env):
    keys = hooks.own("forms", "good.com", "other.com")
    values = [os.urandom(40).hex()[:43] for _ in range(2)]
    words = [word.format(*values, fulldomain=hooks.internet.account["fulldomain"]) for word in form]
    done = hooks.run(keys, *words, env={key: value.format(*values) for key, value in env.items()}, options=["--no-wait"])
    assert (done.returncode, done.stderr) == (DONE, "")
    wanted = values[:1 + ("{1}" in form)]
    assert all(set(wanted) <= set(found) for found in hooks.values())


def test_the_key_authorization_of_lego_is_hashed(hooks):
    """RFC 8555, 8.4; the value was computed with openssl."""
    done = hooks.run(hooks.own("raw", "good.com"), "present", "--", "good.com", "token", "token.thumbprint",
                     options=["--no-wait"])
    assert (done.returncode, done.stderr) == (DONE, "")
    assert "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I" in hooks.values()[0]


@pytest.mark.parametrize("form, env, code", [
    ([], {"CERTBOT_DOMAIN": "good.com", "CERTBOT_VALIDATION": A, "CERTBOT_AUTH_OUTPUT": ""}, 0),
    (["cleanup", "_acme-challenge.good.com.", A], {}, 0),
    (["clean_challenge", "good.com", "token", A], {}, 0),
    (["deploy_cert", "good.com", "key", "cert", "full", "chain", "1"], {}, 0),
    (["some_hook_of_a_later_version"], {}, 0),
    (["done", "dns-01", "good.com", "token", A], {}, 0),
    (["rm", "good.com", A], {}, 0),
    (["begin", "http-01", "good.com", "token", "x"], {}, 1),
])
def test_what_needs_no_action_is_passed_over(hooks, form, env, code):
    keys = hooks.keys("nothing")
    done = hooks.run(keys, *form, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert not keys.exists()


@pytest.mark.parametrize("words, options, told", [
    ([], [], "what is to be done?"),
    (["publsh", "good.com", A], [], "no ACME client says this"),
    (["publish", "good.com"], [], "NAME VALUE"),
    (["publish", "good.com", "short"], [], "43 characters"),
    (["publish", "good com", A], [], "no domain name"),
    (["deploy_challenge", "good.com", A], [], "DOMAIN TOKEN VALUE"),
    (["publish", "good.com", A], ["--server", "ftp://x"], '"ftp://x" is not a good URL'),
    (["publish", "good.com", A], ["--resolver", "nowhere"], '"nowhere" is not a good IP[@PORT]'),
    (["publish", "good.com", A], ["--deadline", "soon"], '"soon" is not a good SECONDS'),
    (["publish", "good.com", A], ["--sever", "x"], "unrecognized option"),
])
def test_a_wrong_command_line_is_refused(hooks, words, options, told):
    done = hooks.run(hooks.keys("usage"), *words, options=options)
    assert done.returncode == USAGE and told in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_without_a_server_it_asks_which(hooks):
    done = hooks.run(hooks.keys("no-server"), "publish", "good.com", A, servers=[])
    assert done.returncode == USAGE and "which server?" in done.stderr


def test_the_environment_says_what_the_command_line_does_not(hooks):
    """Some clients call a path and nothing else: so there is one to call."""
    keys = hooks.own("environment", "good.com")
    env = {"ACMEZONE_SERVER": f"{hooks.main.api}/, {hooks.twin.api}", "ACMEZONE_CREDENTIALS": str(keys),
           "ACMEZONE_ROOT": ROOT, "ACMEZONE_NO_WAIT": "0", "ACMEZONE_DEADLINE": "60"}
    value = "path" + A[4:]
    done = subprocess.run([*hooks.internet.inside, f"{BINARY}-hook", "add", "good.com", value], text=True,
                          env=clean_environment(env), capture_output=True, timeout=RUN_S, check=False)
    assert (done.returncode, done.stderr) == (DONE, "")
    assert all(value in found for found in hooks.values())
    done = subprocess.run([*hooks.internet.inside, f"{BINARY}-hook", "add", "good.com", value], text=True,
                          env=clean_environment({**env, "ACMEZONE_DEADLINE": "x"}), capture_output=True, check=False)
    assert done.returncode == USAGE and 'ACMEZONE_DEADLINE: "x" is not a good SECONDS' in done.stderr


@pytest.mark.parametrize("content, told", [
    (b"{", "line 1"),
    (b"[]", "not a JSON object"),
    (b"\xff\xfe", "line 1"),
    (b'{"good.com": {}, "good.com": {}}', "duplicate"),
])
def test_a_file_of_credentials_that_cannot_be_read_is_left_alone(hooks, content, told):
    keys = hooks.keys("damaged")
    keys.write_bytes(content)
    done = hooks.run(keys, "publish", "good.com", A)
    assert done.returncode == CREDENTIALS and told in done.stderr and str(keys) in done.stderr
    assert keys.read_bytes() == content and len(done.stderr.splitlines()) == 1


def test_a_file_of_credentials_that_cannot_be_written_is_told_before_a_registration_is_lost(hooks):
    done = hooks.run(hooks.folder / "no/such/folder/keys.json", "publish", "good.com", A)
    assert done.returncode == CREDENTIALS and "No such file or directory" in done.stderr


def test_wrong_credentials_are_told_and_kept(hooks):
    account = {**hooks.internet.account, "password": "x" * 40}
    keys = hooks.keys("denied", {"good.com": {**account, "server_url": hooks.main.api}})
    before = keys.read_bytes()
    done = hooks.run(keys, "publish", "good.com", A, servers=[hooks.main])
    assert done.returncode == REFUSED and f"{hooks.main.api} refuses the credentials: HTTP status 401" in done.stderr
    assert keys.read_bytes() == before


def test_a_wrong_token_is_told(hooks):
    tokens = {"registration_tokens": ["ci:0123456789abcdef0123"]}
    closed = hooks.internet.start_server("closed", ["127.0.0.2"], "closed.example.org", sections={"api": tokens})
    keys = hooks.keys("token")
    done = hooks.run(keys, "register", "good.com", servers=[closed], options=["--token", "wrong"])
    assert done.returncode == REFUSED and "good.com: cannot register" in done.stderr
    done = hooks.run(keys, "register", "good.com", servers=[closed], options=["--token", "0123456789abcdef0123"])
    assert done.returncode == DONE and cname_of(done.stdout)
    closed.stop()


def test_the_layouts_of_other_programs_are_read(hooks):
    """The certbot hook of acme-dns keeps no server; goacmedns (lego) does."""
    bare = {key: hooks.internet.account[key] for key in ("username", "password", "fulldomain", "subdomain", "allowfrom")}
    keys = hooks.keys("certbot", {"good.com": bare, "other.com": {**bare, "server_url": hooks.main.api + "/"}})
    done = hooks.run(keys, "publish", "good.com", B, "other.com", C)
    assert (done.returncode, done.stderr) == (DONE, "")
    assert all({B, C} <= set(found) for found in hooks.values())


def test_a_rehearsal_leaves_the_values_as_they_were(hooks):
    keys = hooks.own("rehearsal", "good.com")
    for value in (A, B):
        hooks.internet.publish(value), hooks.internet.publish(value, "twin")
    before = hooks.values()
    assert before == [[A, B], [A, B]]
    done = hooks.run(keys, "test", "good.com")
    assert done.returncode == DONE and "the rehearsal went well" in done.stderr, done.stderr
    assert hooks.values() == before
    done = hooks.run(keys, "publish", "good.com", C, options=["--dry-run"])
    assert done.returncode == DONE and hooks.values() == before
