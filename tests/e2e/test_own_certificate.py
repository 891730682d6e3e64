# SPDX-License-Identifier: MIT
"""The server gets, keeps and renews the certificate of its API by itself.

The authority is a real one, pebble, which asks the server itself for the challenge; the client is the real uacme. All
of it runs inside the sandbox, which is on by default. Renewals are those of certificates with a short life.
"""

import signal
import socket
import ssl
import stat
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import dns.rcode
import dns.rdatatype
import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, run, wait_until, write_config
from lab.etcd import Etcd
from lab.pebble import Pebble
from lab.processes import Lab, free_address
from lab.replicas import replica

CHALLENGE = f"_acme-challenge.{ZONE}"
LIFE_S = 30  # of a certificate that is to be renewed in a test: 20 s after it was made
PATIENCE_S = 150  # uacme tries an authority that does not answer three times, 5 s apart; the machine may be slow
LEASES = {"request_ms": 4000, "lease_s": 10, "barrier_s": 30, "stale_s": 60}  # one that is killed is soon missed
RECORDS = [f"{ZONE}. A 192.0.2.1", f"{ZONE}. NS {ZONE}.", f"ns1.{ZONE}. A 192.0.2.1", f"*.{ZONE}. A 192.0.2.9"]


class World:
    """An authority, and servers that get their certificate from it."""

    def __init__(self, tmp_path, lab, ca, dns_address):
        self.tmp_path, self.lab, self.ca, self.dns_address = tmp_path, lab, ca, dns_address
        self.cache = tmp_path / "cache"

    def server(self, expects_errors=False, general=None, **api):
        """A server that is still to be started."""
        general = {"listen": "{}:{}".format(*self.dns_address), "records": RECORDS, **(general or {})}
        options = {"tls": "letsencrypt", "acme_directory": self.ca.directory,
                   "acme_ca_file": str(self.ca.https_certificate), "acme_cache_dir": str(self.cache),
                   "acme_retry_s": 1}
        server = Acmezone(self.tmp_path, general=general, api={**CHEAP_ARGON2, **options, **api},
                          expects_errors=expects_errors)
        server.http.verify = False
        return server

    def context(self):
        """For a client that trusts the authority."""
        return ssl.create_default_context(cafile=self.ca.root())


@contextmanager
def running_world(tmp_path, **ca):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab").chmod(0o755)
    with Lab(tmp_path / "lab") as lab:
        address = free_address()
        yield World(tmp_path, lab, Pebble(lab, address, **ca), address)


@pytest.fixture
def world(tmp_path):
    with running_world(tmp_path) as made:
        yield made


def served(server, context=None, name=ZONE):
    """The certificate that a new connection gets, in DER; with a context, verified for the name."""
    if context is None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = urlsplit(server.api)
    with socket.create_connection((url.hostname, url.port), 20) as sock:
        with context.wrap_socket(sock, server_hostname=name) as tls:
            return tls.getpeercert(binary_form=True)


@pytest.fixture(autouse=True)
def no_warnings_about_certificates_that_are_not_verified(recwarn):
    yield
    recwarn.clear()


def certificate_check(server):
    """What /ready says of the certificate; the server is ready whatever it says."""
    answer = server.http.get(f"{server.api}/ready", timeout=20)
    assert answer.status_code == 200, answer.text
    return next(check for check in answer.json()["checks"] if check["name"] == "certificate")


def wait_for(server, event, n=1):
    """The nth event of that name, for which one has to be patient."""
    return wait_until(lambda: server.events_named(event)[n - 1:n],
                      lambda: f"event {event} number {n}\n{server.report()}", PATIENCE_S)[0]


def children(pid):
    """The processes below one."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def is_gone(pid):
    """Ended, though perhaps nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_first_certificate_comes_while_dns_and_api_are_up_and_a_restart_finds_it_again(world):
    with world.server() as server:
        assert server.api.startswith("https://")
        account = server.register()
        assert server.query(ZONE, "A").rcode() == dns.rcode.NOERROR
        issued = wait_for(server, "acme.issued")
        assert issued["name"] == ZONE
        first = served(server, world.context())
        check = certificate_check(server)
        assert (check["ready"], check["state"]) == (True, "valid")
        assert server.update(account, "x" * 43).status_code == 200
        counters = server.counters()
        assert (counters["acme_issued"], counters["acme_failures"]) == (1, 0)

        server.restart()
        assert served(server, world.context()) == first
        counters = server.counters()
        assert (counters["acme_issued"], counters["acme_failures"]) == (0, 0)
        assert not server.events_named("acme.ordering")


def is_nodata(answer):
    return (answer.rcode(), [rrset.rdtype for rrset in answer.authority]) == (dns.rcode.NOERROR, [dns.rdatatype.SOA])


def test_the_challenge_is_there_for_the_order_and_gone_after_it(world):
    with world.server() as server:
        assert is_nodata(server.query(CHALLENGE, "A"))
        wait_for(server, "acme.issued")
        assert server.counters()["noerror"] >= 1, "the authority was shown the value"
        wait_until(lambda: is_nodata(server.query(CHALLENGE, "TXT")), server.report)
        assert is_nodata(server.query(CHALLENGE, "A"))
        assert server.query(f"x.{CHALLENGE}", "TXT").rcode() == dns.rcode.NXDOMAIN


def test_files_are_for_their_owner_alone_and_every_certificate_has_a_new_key(world):
    def keys():
        text = (world.cache / "api.pem").read_text()
        return text[text.index("-----BEGIN"):text.index("-----BEGIN CERTIFICATE")]

    with world.server() as server:
        wait_for(server, "acme.issued")
        first = keys()
        for path in [world.cache, *world.cache.rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert [path.name for path in world.cache.rglob("*") if path.is_file()] .count("key.pem") == 1, "the account's"
    with world.server(api_domain=[ZONE, f"ns1.{ZONE}"]) as server:
        wait_for(server, "acme.issued")
        assert keys() != first
        assert len(list(world.cache.glob("account-*"))) == 1


def test_another_name_is_certified_at_the_next_start_and_the_old_certificate_serves_until_then(world):
    with world.server() as server:
        wait_for(server, "acme.issued")
        first = served(server)
    world.ca.restart(resolver=free_address())  # at which nobody answers
    with world.server(expects_errors=True, api_domain=[ZONE, f"NS1.{ZONE}."]) as server:
        wait_for(server, "acme.failed")
        assert served(server) == first
        world.ca.restart(resolver=world.dns_address)
        wait_for(server, "acme.issued")
        for name in (ZONE, f"ns1.{ZONE}"):
            assert served(server, world.context(), name) != first
        assert server.counters()["acme_issued"] == 1
        assert str(server.query(f"other.{ZONE}", "A").answer[0][0]) == "192.0.2.9", "the wildcard is still seen"


def test_another_directory_is_another_certificate(world, tmp_path_factory):
    with world.server() as server:
        wait_for(server, "acme.issued")
        first = served(server)
    with Lab(tmp_path_factory.mktemp("other")) as lab:
        world.ca = Pebble(lab, world.dns_address)
        with world.server() as server:
            wait_for(server, "acme.issued")
            assert served(server, world.context()) != first
            assert len(list(world.cache.glob("account-*"))) == 2


def test_a_renewal_that_fails_leaves_the_old_certificate_and_is_tried_again(tmp_path):
    with running_world(tmp_path, validity_s=LIFE_S) as world, world.server(expects_errors=True) as server:
        wait_for(server, "acme.issued")
        first = served(server, world.context())
        world.ca.restart(resolver=free_address(), validity_s=86400)
        failed = wait_for(server, "acme.failed")
        assert served(server) == first
        assert failed["failures"] == 1
        assert "failed" in certificate_check(server)["why"]
        assert wait_for(server, "acme.failed", 2)["retry_s"] >= 2 * failed["retry_s"]

        world.ca.restart(resolver=world.dns_address)
        wait_for(server, "acme.issued", 2)
        second = served(server, world.context())
        assert second != first
        check = certificate_check(server)
        assert (check["state"], "why" in check) == ("valid", False)
        counters = server.counters()
        assert (counters["acme_issued"], counters["acme_failures"]) == (2, len(server.events_named("acme.failed")))


def test_a_certificate_is_renewed_when_two_thirds_of_its_life_are_over(tmp_path):
    with running_world(tmp_path, validity_s=LIFE_S) as world, world.server() as server:
        assert wait_for(server, "acme.issued")["renewal_s"] in range(LIFE_S // 3, LIFE_S * 2 // 3 + 2)
        first = served(server, world.context())
        wait_for(server, "acme.issued", 2)
        assert served(server, world.context()) != first
        assert not server.events_named("acme.failed")


def test_an_authority_that_is_not_there_at_the_start_is_waited_for(tmp_path):
    with running_world(tmp_path, is_running=False) as world, world.server(expects_errors=True) as server:
        assert certificate_check(server)["state"] == "temporary"
        account = server.register()
        assert server.update(account, "x" * 43).status_code == 200
        assert server.txt(account["fulldomain"]) == ["x" * 43]
        wait_for(server, "acme.failed")
        world.ca.start()
        wait_for(server, "acme.issued")
        served(server, world.context())


def test_a_client_that_hangs_is_ended_with_all_it_runs(world):
    program, pids = world.tmp_path / "client", world.tmp_path / "cache" / "pids"
    program.write_text(f"#!/bin/sh\necho $$ >> {pids}\nsleep 1000 &\necho $! >> {pids}\nwait\n")
    program.chmod(0o755)
    with world.server(expects_errors=True, acme_program=str(program), acme_timeout_s=5) as server:
        assert "acme_timeout_s" in wait_for(server, "acme.failed")["reason"]
        first, second = [int(pid) for pid in pids.read_text().split()[:2]]
        wait_until(lambda: is_gone(first) and is_gone(second), "the client goes on")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_when_the_server_ends_in_the_middle_of_an_order(world, number):
    program, pids = world.tmp_path / "client", world.tmp_path / "cache" / "pids"
    program.write_text(f"#!/bin/sh\necho $$ >> {pids}\nexec sleep 1000\n")
    program.chmod(0o755)
    server = world.server(acme_program=str(program))
    with server:
        wait_until(pids.exists, server.report)
        left = [*children(server.pid), int(wait_until(pids.read_text, "a process id"))]
        assert len(left) == 2
        server.signal(number)
        server.process.wait(20)
        if number == signal.SIGKILL:
            server.kill()
        wait_until(lambda: all(is_gone(pid) for pid in left), "something goes on")


def test_an_update_of_an_account_cannot_reach_the_challenge(world):
    with world.server() as server:
        wait_for(server, "acme.issued")
        account = server.register()
        assert server.update(account, "x" * 43, subdomain="_acme-challenge").status_code in (400, 401)
        assert "x" * 43 not in server.txt(CHALLENGE)


def test_one_of_the_replicas_gets_the_certificate_all_use_it_and_another_renews_it(tmp_path):
    """The authority asks a replica that has nothing to do with the order; later the one that ordered is killed."""
    address = free_address()
    (tmp_path / "lab").mkdir()
    with Etcd() as etcd, Lab(tmp_path / "lab") as lab, ExitStack() as running:
        ca = Pebble(lab, address, validity_s=LIFE_S)
        api = {"tls": "letsencrypt", "acme_directory": ca.directory, "acme_ca_file": str(ca.https_certificate),
               "acme_retry_s": 1}
        replicas = []
        for i in range(3):
            general = {"listen": "{}:{}".format(*address)} if i == 2 else {}
            one = replica(tmp_path / f"replica-{i}", etcd, database=LEASES, general={"records": RECORDS, **general},
                          api={**api, "acme_cache_dir": str(tmp_path / f"cache-{i}")}, expects_errors=True)
            one.http.verify = False
            replicas.append(running.enter_context(one))
            one.wait_in_step()
        first, *others = replicas
        for one in replicas:
            wait_until(lambda: certificate_check(one)["state"] == "valid", one.report, PATIENCE_S)
        certificate = served(first, ssl.create_default_context(cafile=ca.root()))
        assert [served(one) for one in replicas] == [certificate] * 3
        counts = [one.counters()["acme_issued"] for one in replicas]
        assert counts == [sum(counts), 0, 0]
        for i in range(3):
            assert (tmp_path / f"cache-{i}" / "api.pem").exists()

        first.kill()
        for one in others:
            wait_until(lambda: served(one) != certificate, one.report, PATIENCE_S)
        wait_until(lambda: len({served(one) for one in others}) == 1, others[0].report, PATIENCE_S)
        orderer = wait_until(lambda: [one for one in others if one.events_named("acme.issued")], others[0].report)[0]
        assert not [event for event in orderer.events_named("acme.client") if "terms" in event["text"]], \
            "the account is the one of the replica before"


def refused(tmp_path, status, *texts, **api):
    """The server does not start, and says why in one line."""
    options = {"tls": "letsencrypt", "acme_directory": "https://127.0.0.1:1/dir", "acme_cache_dir": str(tmp_path / "c")}
    general = api.pop("general", {})
    path = write_config(tmp_path, api={**options, **api}, general={"records": RECORDS, **general})
    result = run("serve", "-c", path)
    assert result.returncode == status, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for text in texts:
        assert text in result.stderr
    return path


def test_without_the_client_the_error_names_the_package(tmp_path):
    refused(tmp_path, 1, "/nowhere/uacme", "Debian package uacme", acme_program="/nowhere/uacme")


def test_a_cache_that_others_can_get_at_is_refused(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c").chmod(0o755)
    refused(tmp_path, 1, "chmod o-rwx")


def test_a_missing_file_of_authorities_is_refused(tmp_path):
    refused(tmp_path, 1, "/nowhere/ca.pem", acme_ca_file="/nowhere/ca.pem")


UNSOUND = {
    "another zone's name": ({"api_domain": "www.example.com"}, 'api_domain: "www.example.com" lies in none'),
    "a wildcard": ({"api_domain": f"*.{ZONE}"}, "api_domain"),
    "plain http": ({"acme_directory": "http://127.0.0.1/dir"}, "acme_directory"),
    "an address that is none": ({"notification_email": "-me"}, "notification_email"),
    "no udp": ({"general": {"protocol": "tcp"}}, "needs DNS over UDP"),
    "a name without a record": ({"api_domain": f"api.{ZONE}"}, f"api.{ZONE}"),
    "a record in the way": ({"general": {"records": [*RECORDS, f"{CHALLENGE}. TXT x"]}}, CHALLENGE),
}


@pytest.mark.parametrize("options, text", UNSOUND.values(), ids=UNSOUND.keys())
def test_what_cannot_work_is_told_by_the_check_of_the_configuration(tmp_path, options, text):
    path = refused(tmp_path, 2, text, **{key: dict(value) if isinstance(value, dict) else value
                                         for key, value in options.items()})
    result = run("config", "--check", "-c", path)
    assert result.returncode == 2
    assert text in result.stderr


def test_lets_encrypt_is_told_to_need_port_53(tmp_path):
    path = write_config(tmp_path, api={"tls": "letsencryptstaging"})
    result = run("config", "--check", "-c", path)
    assert result.returncode == 0
    assert "port 53" in result.stderr
