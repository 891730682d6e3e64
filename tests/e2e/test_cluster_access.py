# SPDX-License-Identifier: MIT
"""Replicas on an etcd that asks who they are: users and passwords, tokens that are lost, rights that are missing, TLS with
client certificates, and users named by their certificate."""

import time

import pytest

from acmezone import run, wait_until, write_config
from certificates import openssl
from lab.etcd import Etcd
from lab.replicas import QUICK, Replicas, Witness, expect_identical, replica

USER, PASSWORD = "acme", "a pass:word"
ROOT_PASSWORD = "rootpassword"
CHEAP_PASSWORDS = ["--bcrypt-cost", "4"]


def enable_auth(etcd, prefix):
    """A root, and a user who may do with the prefix what he likes and nothing else."""
    etcd.ctl("user", "add", f"root:{ROOT_PASSWORD}")
    etcd.ctl("user", "grant-role", "root", "root")
    etcd.ctl("role", "add", "acmezone")
    etcd.ctl("role", "grant-permission", "acmezone", "readwrite", "--prefix=true", f"{prefix}/")
    etcd.ctl("user", "add", USER, "--interactive=false", "--new-user-password", PASSWORD)
    etcd.ctl("user", "grant-role", USER, "acmezone")
    etcd.ctl("auth", "enable")
    etcd.login = f"root:{ROOT_PASSWORD}"


def expect_secret_kept(replicas):
    for one in replicas:
        assert PASSWORD not in one.log + one.stderr


# User and password

def test_replicas_sign_in_and_go_on_when_the_members_lose_their_tokens(tmp_path):
    with Etcd(options=CHEAP_PASSWORDS) as etcd:
        enable_auth(etcd, f"/{tmp_path.name}")
        with Replicas(tmp_path, etcd, database={"username": USER, "password": PASSWORD}) as replicas:
            witness = Witness(replicas)
            for one in replicas:
                assert witness.update(one)
                assert one.counters()["cluster_sign_ins"] == 1
            # Members keep tokens in memory; one that is started again may still find the newest in its log.
            for member in etcd.members:
                member.kill()
                member.start()
                member.wait_up()
            for one in replicas:
                witness.until_acknowledged(one)  # with whatever token is good now
            expect_identical(replicas, [witness])
            expect_secret_kept(replicas)


def test_authentication_may_be_turned_on_while_replicas_run(tmp_path):
    with Etcd(n_members=1, options=CHEAP_PASSWORDS) as etcd, \
            Replicas(tmp_path, etcd, n=2, database={"username": USER, "password": PASSWORD}) as replicas:
        witness = Witness(replicas)
        assert witness.update(replicas[0])
        enable_auth(etcd, f"/{tmp_path.name}")
        wait_until(lambda: all(one.counters()["cluster_sign_ins"] >= 1 for one in replicas), "they sign in")
        for one in replicas:
            witness.until_acknowledged(one)


@pytest.mark.parametrize("database", [{"username": USER, "password": "wrong"}, {}], ids=["a wrong password", "no user"])
def test_who_is_refused_says_so_and_goes_on_serving_what_he_has(tmp_path, database):
    with Etcd(n_members=1, options=CHEAP_PASSWORDS) as etcd:
        folder = tmp_path / "one"
        with replica(folder, etcd) as one:
            witness = Witness([one])
            assert witness.update(one)
        enable_auth(etcd, f"/{tmp_path.name}")
        with replica(folder, etcd, database={**QUICK, **database}) as one:
            wait_until(lambda: one.status().get("why") == "etcd refuses access", one.report)
            assert one.http.get(f"{one.api}/ready").status_code == 503
            assert witness.acknowledged in witness.numbers_at(one)
            assert not witness.update(one)
            assert witness.refusals == ["store_unreachable"]


def test_a_user_without_rights_to_the_prefix_is_told_which_it_was(tmp_path):
    with Etcd(n_members=1, options=CHEAP_PASSWORDS) as etcd:
        enable_auth(etcd, f"/{tmp_path.name}")
        options = {"username": USER, "password": PASSWORD, "prefix": "/elsewhere"}
        with replica(tmp_path / "one", etcd, database=options) as one:
            wait_until(lambda: one.status().get("why") == "etcd refuses access", one.report)
            (event, *_) = [event for event in one.cluster_events("state") if event["reason"] == "etcd refuses access"]
            assert "permission denied" in event["detail"]


def test_a_user_who_may_only_read_cannot_become_live(tmp_path):
    with Etcd(n_members=1, options=CHEAP_PASSWORDS) as etcd:
        enable_auth(etcd, f"/{tmp_path.name}")
        etcd.ctl("role", "add", "reader")
        etcd.ctl("role", "grant-permission", "reader", "read", "--prefix=true", f"/{tmp_path.name}/")
        etcd.ctl("user", "grant-role", USER, "reader")
        etcd.ctl("user", "revoke-role", USER, "acmezone")
        with replica(tmp_path / "one", etcd, database={**QUICK, "username": USER, "password": PASSWORD}) as one:
            assert one.status()["state"] != "in_step"
            assert one.http.get(f"{one.api}/ready").status_code == 503
            assert one.http.post(f"{one.api}/register").json() == {"error": "store_unreachable"}


# TLS

def make_certificates(folder, client="acme"):
    """A CA, a certificate for members and one for clients whose common name is `client`, as lab.etcd wants them."""
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 9,
            "-subj", "/CN=CA", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    for name, subject, usage in (("server", "/CN=member", "serverAuth,clientAuth"),
                                 ("client", f"/CN={client}", "clientAuth")):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        (folder / "extensions").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
                "-CAcreateserial", "-days", 9, "-extfile", folder / "extensions", "-out", folder / f"{name}.pem")
    return folder


def tls_options(tls):
    return {"tls_ca": str(tls / "ca.pem"), "tls_cert": str(tls / "client.pem"), "tls_key": str(tls / "client.key")}


def test_replicas_over_tls_with_client_certificates(tmp_path):
    tls = make_certificates(tmp_path / "tls")
    with Etcd(tls=tls) as etcd, Replicas(tmp_path, etcd, database=tls_options(tls)) as replicas:
        witness = Witness(replicas)
        for i in range(30):
            assert witness.update(replicas[i % 3])
        etcd.members[0].kill()
        etcd.members[0].start()
        etcd.members[0].wait_up()
        for one in replicas:
            one.wait_in_step()
        expect_identical(replicas, [witness])


def test_the_common_name_of_the_certificate_is_the_user(tmp_path):
    """The JSON gateway of etcd refuses this; gRPC takes it."""
    tls = make_certificates(tmp_path / "tls", client=USER)
    with Etcd(n_members=1, tls=tls) as etcd:
        enable_auth(etcd, f"/{tmp_path.name}")
        with Replicas(tmp_path, etcd, n=2, database=tls_options(tls)) as replicas:
            witness = Witness(replicas)
            for one in replicas:
                assert witness.update(one)
                assert one.counters()["cluster_sign_ins"] == 0


@pytest.mark.parametrize("missing", [["tls_ca"], ["tls_cert", "tls_key"]],
                         ids=["an unknown authority", "no certificate"])
def test_without_trust_there_is_no_session(tmp_path, missing):
    tls = make_certificates(tmp_path / "tls")
    options = {key: value for key, value in tls_options(tls).items() if key not in missing}
    with Etcd(n_members=1, tls=tls) as etcd, replica(tmp_path / "one", etcd, database={**QUICK, **options}) as one:
        wait_until(lambda: one.status().get("why") == "etcd cannot be reached", one.report)
        assert one.http.post(f"{one.api}/register").json() == {"error": "store_unreachable"}


# The configuration

@pytest.mark.parametrize("database, complaint", [
    ({"connection": "./data"}, "endpoint 1 is not one"),
    ({"connection": "http://user:secret-word@127.0.0.1:2379"}, "endpoint 1 is not one"),
    ({"connection": "http://127.0.0.1:2379,http://127.0.0.1"}, "endpoint 2 is not one"),
    ({"connection": "http://127.0.0.1:2379/v3"}, "endpoint 1 is not one"),
    ({"connection": "http://127.0.0.1:65536"}, "endpoint 1 is not one"),
    ({"connection": "http://[::1:2379"}, "endpoint 1 is not one"),
    ({"connection": ","}, "at least one endpoint"),
    ({"connection": "http://127.0.0.1:2379,https://127.0.0.1:2379"}, "some endpoints are http:// and some https://"),
    ({"prefix": "/"}, "empty but for slashes"),
    ({"prefix": "/a b"}, "blank"),
    ({"username": "acme"}, "username and password go together"),
    ({"password": "secret-word"}, "username and password go together"),
    ({"tls_ca": "ca.pem"}, "it needs endpoints with https://"),
    ({"connection": "https://127.0.0.1:2379", "tls_cert": "client.pem"}, "tls_cert and tls_key go together"),
    ({"request_ms": 2600}, "at least twice request_ms"),
    ({"stale_s": 5}, "more than lease_s"),
    ({"replica_id": "a/b"}, "letters, digits"),
])
def test_what_cannot_work_is_told_at_the_start(tmp_path, database, complaint):
    options = {"engine": "etcd", "connection": "http://127.0.0.1:2379", **database}
    result = run("-c", write_config(tmp_path, database=options))
    assert result.returncode == 2
    assert complaint in result.stderr
    assert "secret-word" not in result.stderr


def test_a_server_without_etcd_starts_soon(tmp_path):
    """It looks at every endpoint once; those that refuse cost nothing."""
    started = time.monotonic()
    with replica(tmp_path / "one", None, endpoints="http://127.0.0.1:1,http://127.0.0.1:2,http://[::1]:3"):
        assert time.monotonic() - started < 8
