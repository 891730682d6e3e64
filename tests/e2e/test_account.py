# SPDX-License-Identifier: MIT
"""acmezone account: beside a running server, without one, and over etcd; what it prints, refuses and returns."""

import base64
import json
import os
import pty
import signal
import subprocess
import threading
import uuid

import dns.rcode
import pytest
import requests

from acmezone import (BINARY, CHEAP_ARGON2, DEADLINE_S, ZONE, Acmezone, clean_environment, run, wait_until,
                      write_config)
from lab.etcd import Etcd
from lab.replicas import Replicas

TXT = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
TXT2 = "AHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"


@pytest.fixture(scope="module", name="etcd")
def fixture_etcd():
    with Etcd() as running:
        yield running


@pytest.fixture(name="server")
def fixture_server(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        yield server


@pytest.fixture(name="config")
def fixture_config(tmp_path):
    """A configuration without a server; the store is still empty."""
    (tmp_path / "data").mkdir(mode=0o700)
    return write_config(tmp_path, api=CHEAP_ARGON2)


def account(config, *words, status=0):
    """Runs a command; what it printed."""
    result = run("account", *words, "-c", config)
    assert result.returncode == status, f"{result.returncode}\n{result.stdout}{result.stderr}"
    assert (result.stderr == "") == (status == 0), result.stderr
    return result.stdout if status == 0 else result.stderr


def listed(config, *filters):
    return [json.loads(line) for line in account(config, "list", "--json", *filters).splitlines()]


def create(config, *words):
    return json.loads(account(config, "create", "--json", *words))


def words_for(one):
    """All ways to name an account."""
    return [one["username"], one["username"].upper(), one["subdomain"], one["fulldomain"], one["fulldomain"] + "."]


# Beside a running server

def test_what_is_made_beside_the_server_is_served_and_good_at_once(server):
    made = create(server.config, "--note", "für Käte", "--allowfrom", "127.0.0.0/8", "--allowfrom", "::1")
    assert list(made) == ["username", "password", "fulldomain", "subdomain", "allowfrom"]
    assert made["allowfrom"] == ["127.0.0.0/8", "::1/128"]
    assert server.query(made["fulldomain"]).rcode() == dns.rcode.NOERROR
    assert server.update(made, TXT).status_code == 200
    assert server.txt(made["fulldomain"]) == [TXT]
    shown = json.loads(account(server.config, "show", made["username"], "--json"))
    assert (shown["note"], shown["values"]) == ("für Käte", [TXT])
    assert made["password"] not in server.log


def test_what_the_server_makes_is_listed_under_all_its_names(server):
    registered = server.register()
    server.update(registered, TXT)
    for word in words_for(registered):
        assert registered["username"] in account(server.config, "show", word)
    text = account(server.config, "list")
    assert registered["subdomain"] in text and text.startswith("SUBDOMAIN")
    details = server.http.get(f"{server.api}/account", headers={
        "X-Api-User": registered["username"], "X-Api-Key": registered["password"]}).json()
    assert listed(server.config) == [details]


def test_a_disabled_account_is_refused_and_not_answered_until_it_is_enabled(server):
    registered = server.register()
    for _ in range(2):
        assert server.update(registered, TXT).status_code == 200  # and cached
        account(server.config, "disable", registered["username"])
        answer = server.update(registered, TXT2)
        assert (answer.status_code, answer.json()) == (403, {"error": "account_disabled"})
        answer = server.query(registered["fulldomain"])
        assert answer.rcode() == dns.rcode.NOERROR and not answer.answer and answer.authority
        assert server.update({**registered, "password": "x" * 40}, TXT).status_code == 401
        assert [one["disabled"] for one in listed(server.config, "--disabled")] == [True]
        account(server.config, "enable", registered["username"])
        assert server.txt(registered["fulldomain"]) == [TXT]


def test_a_rotated_password_is_void_at_once(server):
    registered = server.register(allowfrom=["127.0.0.0/8"])
    assert server.update(registered, TXT).status_code == 200
    rotated = json.loads(account(server.config, "rotate", registered["subdomain"], "--json"))
    assert {**rotated, "password": registered["password"]} == registered
    assert server.update(registered, TXT).status_code == 401
    assert server.update(rotated, TXT2).status_code == 200
    text = account(server.config, "rotate", registered["subdomain"])
    assert server.update(rotated, TXT2).status_code == 401
    password = next(line.split()[1] for line in text.splitlines() if line.startswith("password"))
    assert server.update({**registered, "password": password}, TXT).status_code == 200
    assert f"_acme-challenge.DOMAIN. CNAME {registered['fulldomain']}." in text


def test_networks_are_replaced_and_count_at_once(server):
    registered = server.register()
    assert server.update(registered, TXT).status_code == 200
    account(server.config, "allow", registered["username"], "192.0.2.0/24", "[2001:db8::]/32")
    assert server.update(registered, TXT).status_code == 401
    assert listed(server.config)[0]["allowfrom"] == ["192.0.2.0/24", "2001:db8::/32"]
    account(server.config, "allow", registered["username"], "--anywhere")
    assert server.update(registered, TXT).status_code == 200
    assert "is not a network" in account(server.config, "allow", registered["username"], "here", status=2)
    assert "--anywhere" in account(server.config, "allow", registered["username"], status=2)


def test_values_are_cleared_and_accounts_deleted(server):
    one, another = server.register(), server.register()
    server.update(one, TXT)
    account(server.config, "clear", one["username"])
    assert server.txt(one["fulldomain"]) == []
    assert server.update(one, TXT).status_code == 200
    account(server.config, "delete", "--yes", one["username"], another["username"])
    assert server.query(one["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
    assert server.update(one, TXT).status_code == 401
    assert listed(server.config) == []


def test_what_an_operator_does_stands_in_the_audit_log(tmp_path):
    log = tmp_path / "audit.log"
    with Acmezone(tmp_path, api=CHEAP_ARGON2, audit={"enabled": True, "file": str(log)}) as server:
        made = create(server.config)
        for words in (["disable"], ["enable"], ["rotate"], ["allow", "--anywhere"], ["clear"], ["delete", "--yes"]):
            account(server.config, words[0], made["username"], *words[1:])
        acts = [json.loads(line) for line in log.read_text().splitlines()]
        assert [act["event"].removeprefix("audit.") for act in acts] == [
            "register", "disable", "enable", "rotate", "allow", "clear", "delete"]
        for act in acts:
            assert (act["actor"], act["result"], act["account"]) == ("operator", "done", made["username"])
        assert made["password"] not in log.read_text()


def test_the_serial_moves_with_what_is_changed_beside_the_server(server):
    def serial():
        return server.query(ZONE, "SOA").answer[0][0].serial

    before = serial()
    made = create(server.config)
    assert serial() == before + 1
    account(server.config, "disable", made["username"])
    assert serial() == before + 2


def test_updates_go_on_while_many_commands_change_accounts(server):
    registered = [server.register() for _ in range(4)]
    stop = threading.Event()
    failures = []

    def update(one):
        while not stop.is_set():
            answer = server.update(one, TXT)
            if answer.status_code != 200:
                failures.append(answer.text)

    threads = [threading.Thread(target=update, args=(one,)) for one in registered]
    for thread in threads:
        thread.start()
    made = [create(server.config) for _ in range(10)]
    account(server.config, "delete", "--yes", *[one["username"] for one in made])
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert len(listed(server.config)) == 4


def test_a_command_that_is_killed_holds_the_server_up_for_no_time(server):
    registered = server.register()
    for i in range(8):
        with subprocess.Popen([BINARY, "account", "create", "-c", str(server.config)], env=clean_environment(),
                              stdout=subprocess.DEVNULL) as process:
            threading.Event().wait(0.01 * i)  # somewhere between its start and its end
            process.send_signal(signal.SIGKILL)
        assert server.update(registered, TXT).status_code == 200
    assert all(one["username"] for one in listed(server.config))


# Without a server

def test_it_works_without_a_server_and_before_the_first(tmp_path, config):
    assert listed(config) == []
    made = create(config, "--subdomain", "Shop")
    assert made["fulldomain"] == f"shop.{ZONE}"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.update(made, TXT).status_code == 200
        assert server.txt(made["fulldomain"]) == [TXT]
    assert listed(config)[0]["values"] == [TXT]


def test_where_there_is_no_store_none_is_made(tmp_path):
    config = write_config(tmp_path, database={"connection": "./elsewhere"})
    result = run("account", "create", "-c", config, cwd=tmp_path)
    assert result.returncode == 1 and "relative to the server's working directory" in result.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_filters_must_all_be_passed(config):
    made = [create(config, "--note", note) for note in ("shop one", "shop two", "other")]
    account(config, "disable", made[1]["username"])
    assert len(listed(config, "--note", "shop")) == 2
    assert [one["note"] for one in listed(config, "--note", "shop", "--disabled")] == ["shop two"]
    assert len(listed(config, "--never-used")) == 3
    assert listed(config, "--older-than", "1d") == [] and listed(config, "--unused-for", "2w") == []
    for wrong in ("", "d", "10", "1x", "-1d", "1dd", "0d"):
        assert "no such value" in account(config, "list", "--older-than", wrong, status=2)


def test_age_and_last_use_are_what_is_filtered_by(tmp_path, config):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        old, used = server.register()["username"], server.register()
        server.update(used, TXT)

        def found(*filters):
            return {one["username"] for one in listed(config, *filters)}

        wait_until(lambda: found("--older-than", "1s") == {old, used["username"]}, "both to be a second old")
        wait_until(lambda: found("--unused-for", "1s") == {old, used["username"]}, "both to be unused for a second")
        assert found("--unused-for", "1h") == set()
        assert found("--never-used") == {old} == found("--never-used", "--unused-for", "1s")


@pytest.mark.parametrize("words, status, text", [
    (["show", "nobody"], 1, "nobody: there is no such account"),
    (["show", str(uuid.UUID(int=7))], 1, "there is no such account"),
    (["rotate", "nobody"], 1, "there is no such account"),
    (["delete", "--yes", "nobody"], 1, "there is no such account"),
    (["delete", "nobody"], 2, "--yes"),
    (["create", "--subdomain", "a.b"], 1, "misshapen"),
    (["create", "--subdomain", "www"], 1, "reserved"),
    (["create", "--note", "a\nb"], 1, "note"),
    (["create", "--allowfrom", "x"], 2, "is not a network"),
    (["create", "more"], 2, "too much: more"),
    (["list", "--yes"], 2, "it does not take --yes"),
    (["show"], 2, "something is missing"),
    (["note", "nobody"], 2, "something is missing"),
    (["fly"], 2, 'there is no command "fly"'),
])
def test_what_makes_no_sense_is_refused_with_a_reason(config, words, status, text):
    assert text in account(config, *words, status=status)


def test_a_name_is_given_once(config):
    create(config, "--subdomain", "shop")
    assert "the name is taken" in account(config, "create", "--subdomain", "SHOP", status=1)


def test_of_several_accounts_the_others_are_changed_when_one_is_missing(config):
    made = create(config)
    result = run("account", "disable", "nobody", made["username"], "-c", config)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert [one["disabled"] for one in listed(config)] == [True]


def test_who_sits_at_a_terminal_is_asked_before_a_deletion(config):
    made = create(config)
    for answer, status in ((b"n\n", 1), (b"\n", 1), (b"y\n", 0)):
        primary, secondary = pty.openpty()
        with subprocess.Popen([BINARY, "account", "delete", made["username"], "-c", str(config)], stdin=secondary,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as process:
            os.close(secondary)
            os.write(primary, answer)
            output = process.communicate(timeout=DEADLINE_S)
        os.close(primary)
        assert process.returncode == status, output
        assert b"Delete 1 account, for good? [y/N]" in output[1]
    assert listed(config) == []


def test_help_is_there_for_each_command():
    text = run("account", "--help").stdout
    commands = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "][:-1]
    assert {"list", "show", "create", "disable", "enable", "delete", "rotate", "allow"} <= set(commands)
    for command in commands:
        result = run("account", command, "--help")
        assert result.returncode == 0 and f"Usage: acmezone account {command}" in result.stdout
    assert run("account").returncode == 2


def test_a_full_standard_output_is_a_failure(config):
    create(config)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([BINARY, "account", "list", "-c", str(config)], stdout=full, stderr=subprocess.PIPE,
                                env=clean_environment(), check=False)
    assert result.returncode == 1 and b"standard output" in result.stderr


# Over etcd

def test_over_etcd_all_replicas_see_at_once_what_a_command_has_changed(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        config = replicas[0].config
        made = create(config, "--subdomain", "shop")
        for one in replicas:
            assert one.query(made["fulldomain"]).rcode() == dns.rcode.NOERROR
            assert one.update(made, TXT).status_code == 200  # cached at each
        assert listed(config)[0]["values"] == [TXT]
        account(config, "disable", "shop")
        for one in replicas:
            assert one.update(made, TXT).status_code == 403
            assert one.txt(made["fulldomain"]) == []
        account(config, "enable", "shop")
        for one in replicas:
            assert one.txt(made["fulldomain"]) == [TXT]
        rotated = json.loads(account(config, "rotate", "shop", "--json"))
        for one in replicas:
            assert one.update(made, TXT).status_code == 401
            assert one.update(rotated, TXT2).status_code == 200
        account(config, "clear", "shop")
        for one in replicas:
            assert one.txt(made["fulldomain"]) == []
        account(config, "delete", "shop", "--yes")
        for one in replicas:
            assert one.query(made["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
            assert one.update(rotated, TXT).status_code == 401
        assert listed(config) == []
        live = f"/{tmp_path.name}/live/"
        assert all(key.startswith(f"{live}replica-") for key in etcd.keys(live))  # a guest is never live
        for one in replicas:
            one.expect()


def test_over_etcd_an_account_looks_after_itself_at_any_replica(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        registered = replicas[0].register()

        def call(at, method, path, **changed):
            headers = {"X-Api-User": registered["username"], "X-Api-Key": registered["password"], **changed}
            return at.http.request(method, f"{at.api}/{path}", headers=headers, timeout=DEADLINE_S)

        for one in replicas:
            assert one.update(registered, TXT).status_code == 200
        assert call(replicas[1], "POST", "clear").status_code == 204
        assert [one.txt(registered["fulldomain"]) for one in replicas] == [[], [], []]
        rotated = call(replicas[1], "POST", "account/rotate").json()
        for one in replicas:
            assert one.update(registered, TXT).status_code == 401
            assert one.update(rotated, TXT).status_code == 200
        assert call(replicas[2], "DELETE", "account", **{"X-Api-Key": rotated["password"]}).status_code == 204
        for one in replicas:
            assert one.query(registered["fulldomain"]).rcode() == dns.rcode.NXDOMAIN


def account_record(subdomain, password_hash):
    """An account as it lies in etcd: version, time, subdomain, hash, networks."""
    return (b"\1" + bytes(8) + bytes([len(subdomain)]) + subdomain + len(password_hash).to_bytes(2, "big") +
            password_hash + bytes(2))


def test_over_etcd_a_hash_of_acme_dns_is_replaced_with_the_first_update(tmp_path, etcd):
    """bcrypt of "a" * 40 at cost 4, made with libcrypt."""
    username, subdomain = str(uuid.uuid4()), str(uuid.uuid4())
    made = {"username": username, "password": "a" * 40, "subdomain": subdomain}
    bcrypt = b"$2b$04$abcdefghijklmnopqrstuuk1T69mfJZ/2i.6K2fu09jDTT57beRM."
    with Replicas(tmp_path, etcd) as replicas:
        data = f"/{tmp_path.name}/data"
        put(etcd, f"{data}/account/{username}", account_record(subdomain.encode(), bcrypt))
        put(etcd, f"{data}/value/{subdomain}", b"\1\0\0\0" + uuid.UUID(username).bytes + bytes(8))
        wait_until(lambda: all(one.query(f"{subdomain}.{ZONE}").rcode() == dns.rcode.NOERROR for one in replicas),
                   "the replicas to see the account")
        assert b"$2b$" in get(etcd, f"{data}/account/{username}")
        for i, one in enumerate(replicas):
            assert one.update({**made, "password": "b" * 40}, TXT).status_code == 401
            assert one.update(made, str(i) * 43).status_code == 200
            assert b"$argon2id$" in get(etcd, f"{data}/account/{username}")
            assert [other.txt(f"{subdomain}.{ZONE}")[-1] for other in replicas] == [str(i) * 43] * 3


def put(etcd, key, value):
    """etcdctl's arguments are texts; the API takes bytes."""
    encoded = {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value).decode()}
    assert requests.post(f"{etcd.members[0].endpoint}/v3/kv/put", json=encoded, timeout=DEADLINE_S).ok


def get(etcd, key):
    answer = requests.post(f"{etcd.members[0].endpoint}/v3/kv/range", timeout=DEADLINE_S,
                           json={"key": base64.b64encode(key.encode()).decode()})
    return base64.b64decode(answer.json()["kvs"][0]["value"])


def test_of_people_who_change_an_account_at_once_nobody_overwrites_anybody_unseen(tmp_path, etcd):
    config = write_config(tmp_path, api=CHEAP_ARGON2, database={
        "engine": "etcd", "connection": etcd.endpoints, "prefix": f"/{tmp_path.name}", "path": str(tmp_path / "copy")})
    create(config, "--subdomain", "shop", "--note", "before")
    results = {}
    threads = [threading.Thread(target=lambda i=i: results.update(
        {i: run("account", "note", "shop", f"note {i}", "-c", config)})) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [result for result in results.values() if result.returncode != 0]
    assert all("somebody else has changed it meanwhile" in result.stderr for result in refused)
    assert len(refused) < 6
    last = int(listed(config)[0]["note"].removeprefix("note "))
    assert results[last].returncode == 0


def test_a_guest_leaves_nothing_behind(tmp_path, etcd):
    (tmp_path / "temporary").mkdir()
    config = write_config(tmp_path, api=CHEAP_ARGON2, database={
        "engine": "etcd", "connection": etcd.endpoints, "prefix": f"/{tmp_path.name}", "path": str(tmp_path / "copy")})
    result = run("account", "create", "-c", config, env={"TMPDIR": str(tmp_path / "temporary")})
    assert result.returncode == 0, result.stderr
    assert list((tmp_path / "temporary").iterdir()) == [] and not (tmp_path / "copy").exists()
    assert etcd.keys(f"/{tmp_path.name}/live/") == []


def test_without_etcd_a_command_says_so(tmp_path):
    config = write_config(tmp_path, database={"engine": "etcd", "connection": "http://127.0.0.1:1",
                                              "path": str(tmp_path / "copy")})
    result = run("account", "list", "-c", config)
    assert result.returncode == 1 and "etcd cannot be reached" in result.stderr
