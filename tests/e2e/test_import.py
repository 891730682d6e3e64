# SPDX-License-Identifier: MIT
"""Moving in from acme-dns, and out again: every account with its credentials, names, networks and values, in one go."""

import json
import os
import pty
import re
import select
import shutil
import sqlite3
import subprocess

import pytest

from acmezone import BINARY, CHEAP_ARGON2, ZONE, Acmezone, clean_environment, run, wait_until, write_config
from lab.acmedns import (TABLE_V0, TABLES, TXT_POSTGRES, TXT_SQLITE, make_accounts, rows_of, write_sqlite,
                         write_sqlite_v0)
from lab.etcd import Etcd
from lab.postgres import Postgres
from lab.replicas import Replicas
from test_config import ACME_DNS_V1

N_MANY = 100_000
MANY_S = 300  # for so many, on a busy machine and under sanitizers
SKIPPED = 3


def import_into(folder, *arguments, config=None, status=0, **options):
    """Runs the command with a configuration in the folder; returns its report."""
    folder.mkdir(exist_ok=True)
    result = run("import", *arguments, "-c", config or write_config(folder), "--json", deadline_s=MANY_S, **options)
    assert result.returncode == status, result.stderr + result.stdout
    return json.loads(result.stdout)


def export(folder, config=None):
    """The bytes of an export."""
    path = folder / "export.jsonl"
    result = run("export", path, "-c", config or folder / "config.cfg", deadline_s=MANY_S)
    assert result.returncode == 0, result.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes()


def counts(report):
    return {key: report[key] for key in ("read", "imported", "unchanged", "different", "skipped")}


def numbers(read, imported=0, unchanged=0, different=0, skipped=0):
    return {"read": read, "imported": imported, "unchanged": unchanged, "different": different, "skipped": skipped}


def expect_moved_in(server, accounts):
    """The old credentials work, the values are there, and a new one is added to them."""
    for account in accounts:
        credentials = account.credentials()
        old = [value for value, _ in account.values if value]
        assert server.txt(credentials["fulldomain"]) == old
        assert server.update({**credentials, "password": "p" * 40}, "n" * 43).status_code == 401
        assert server.update(credentials, "n" * 43).status_code == 200
        assert server.txt(credentials["fulldomain"]) == sorted([*old, "n" * 43])
        assert server.update(credentials, "n" * 43).status_code == 200


def test_a_hundred_thousand_accounts_move_in_and_on(tmp_path):
    accounts = make_accounts(N_MANY)
    database = write_sqlite(tmp_path / "acme-dns.db", accounts)
    one, two = tmp_path / "one", tmp_path / "two"

    assert counts(import_into(one, database, "--dry-run")) == numbers(N_MANY, imported=N_MANY)
    assert not (one / "data").exists()
    assert counts(import_into(one, database)) == numbers(N_MANY, imported=N_MANY)
    first = export(one)
    assert counts(import_into(one, database)) == numbers(N_MANY, unchanged=N_MANY)
    assert export(one) == first
    assert first.count(b"\n") == N_MANY + 2

    assert counts(import_into(two, one / "export.jsonl")) == numbers(N_MANY, imported=N_MANY)
    assert export(two) == first

    with Acmezone(one) as server:
        expect_moved_in(server, accounts[:3])
        for account in accounts[10_001::20_000]:
            assert server.txt(account.credentials()["fulldomain"]) == [value for value, _ in account.values if value]
    report = import_into(one, database)
    assert counts(report) == numbers(N_MANY, unchanged=N_MANY - 3, different=3), "what changed since stays as it is"
    with Acmezone(one) as server:
        assert "n" * 43 in server.txt(accounts[0].credentials()["fulldomain"])


def test_accounts_come_in_beside_a_running_server_and_a_running_acme_dns(tmp_path):
    accounts = make_accounts(500)
    path = write_sqlite(tmp_path / "acme-dns.db", accounts)
    acme_dns = sqlite3.connect(path)
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        mine = server.register()
        assert counts(import_into(tmp_path, path, config=server.config)) == numbers(500, imported=500)
        acme_dns.execute("UPDATE txt SET Value = ? WHERE rowid = 1", ("u" * 43,))
        acme_dns.commit()
        expect_moved_in(server, accounts[:3])
        assert server.update(mine, "m" * 43).status_code == 200
        result = run("export", "-c", server.config)
        assert result.returncode == 0 and json.loads(result.stdout.splitlines()[-1]) == {"accounts": 501}


def test_networks_go_along(tmp_path):
    accounts = make_accounts(2, n_real=2)
    accounts[0].allowfrom, accounts[1].allowfrom = ["127.0.0.0/8", "[2001:db8::]/32"], ["192.0.2.1/32"]
    import_into(tmp_path, write_sqlite(tmp_path / "acme-dns.db", accounts))
    with Acmezone(tmp_path) as server:
        assert server.update(accounts[0].credentials(), "n" * 43).status_code == 200
        assert server.update(accounts[1].credentials(), "n" * 43).status_code == 401


def test_the_database_of_the_first_release_has_one_value_for_each_account(tmp_path):
    accounts = make_accounts(20)
    import_into(tmp_path, write_sqlite_v0(tmp_path / "acme-dns.db", accounts))
    with Acmezone(tmp_path) as server:
        expect_moved_in(server, accounts[:3])


def test_columns_of_the_first_release_that_stayed_behind_mean_nothing(tmp_path):
    """acme-dns cannot drop them from SQLite when it upgrades its database."""
    accounts = make_accounts(4)
    path = write_sqlite_v0(tmp_path / "acme-dns.db", accounts)
    database = sqlite3.connect(path)
    database.executescript(TABLES + TXT_SQLITE)
    database.execute("INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1')")
    database.execute("INSERT INTO txt (Subdomain, Value, LastUpdate) VALUES (?, ?, 1)", (accounts[1].subdomain, "v" * 43))
    database.commit()
    import_into(tmp_path, path)
    with Acmezone(tmp_path) as server:
        assert server.txt(accounts[1].credentials()["fulldomain"]) == ["v" * 43]
        assert server.txt(accounts[3].credentials()["fulldomain"]) == []


def test_what_is_unsound_is_skipped_and_told(tmp_path):
    accounts = make_accounts(12)
    bad = accounts[4:]
    bad[0].username = "nobody"
    bad[1].subdomain = "two.labels"
    bad[2].hash = "5f4dcc3b5aa765d61d8327deb882cf99"
    bad[3].allowfrom = ["192.0.2.0/24", "everywhere"]
    bad[4].hash = "$2a$31$" + bad[4].hash[7:]
    bad[5].subdomain = accounts[0].subdomain.upper()
    bad[6].values = [("with a blank", 1), ("v" * 43, 2)]
    report = import_into(tmp_path, write_sqlite(tmp_path / "acme-dns.db", accounts), status=SKIPPED)
    assert counts(report) == numbers(12, imported=6, skipped=6)
    assert report["reasons"] == {"bad_username": 1, "bad_subdomain": 1, "bad_hash": 2, "bad_allowfrom": 1, "taken": 1,
                                 "bad_value": 1}
    named = {entry["account"]: entry["reason"] for entry in report["skipped_accounts"]}
    taken = {accounts[0].username, bad[5].username} & set(named)  # whoever comes second
    assert len(taken) == 1
    assert {name: reason for name, reason in named.items() if name not in taken} == {
        "nobody": "bad_username", bad[1].username: "bad_subdomain", bad[2].username: "bad_hash",
        bad[3].username: "bad_allowfrom", bad[4].username: "bad_hash", bad[6].username: "bad_value"}
    told = run("import", tmp_path / "acme-dns.db", "-c", tmp_path / "config.cfg")
    assert told.returncode == SKIPPED
    assert "1: the username is not a UUID: nobody" in told.stdout and "Nothing was changed." in told.stdout


def expect_no_accounts(folder):
    """An empty store, or none."""
    result = run("export", "-c", folder / "config.cfg")
    if (folder / "data").exists():
        assert json.loads(result.stdout.splitlines()[-1]) == {"accounts": 0}
    else:
        assert result.returncode == 1 and "there is no store" in result.stderr


@pytest.mark.parametrize("spoil, why", [
    (lambda path: path.write_bytes(path.read_bytes()[:-4096]), "malformed"),
    (lambda path: path.write_bytes(path.read_bytes()[:2000] + bytes(60_000) + path.read_bytes()[62_000:]), "malformed"),
    (lambda path: sqlite3.connect(path).executescript("DROP TABLE records"), "no table \"records\""),
    (lambda path: sqlite3.connect(path).executescript("UPDATE acmedns SET Value = '2'"), "version is 2"),
    (lambda path: path.write_text("Dear diary"), "neither an SQLite database nor JSON lines"),
    (lambda path: path.unlink(), "No such file"),
])
def test_a_source_that_fails_changes_nothing(tmp_path, spoil, why):
    path = write_sqlite(tmp_path / "acme-dns.db", make_accounts(2000))
    spoil(path)
    result = run("import", path, "-c", write_config(tmp_path))
    assert result.returncode == 1
    assert why in result.stderr and len(result.stderr.splitlines()) <= 2, result.stderr
    expect_no_accounts(tmp_path)


@pytest.mark.parametrize("spoil, why", [
    (lambda lines: lines[:-1], "cut short"),
    (lambda lines: lines[:3] + lines[4:], "speaks of 5 accounts, but there are 4"),
    (lambda lines: ['{"acmezone_export":2}', *lines[1:]], "newer version"),
    (lambda lines: [], "empty"),
])
def test_an_export_that_is_not_whole_changes_nothing(tmp_path, spoil, why):
    import_into(tmp_path, write_sqlite(tmp_path / "acme-dns.db", make_accounts(5)))
    lines = spoil(export(tmp_path).decode().splitlines())
    (tmp_path / "bad.jsonl").write_text("".join(line + "\n" for line in lines))
    other = tmp_path / "other"
    other.mkdir()
    result = run("import", tmp_path / "bad.jsonl", "-c", write_config(other))
    assert result.returncode == 1 and why in result.stderr, result.stderr
    expect_no_accounts(other)


def test_an_export_holds_all_there_is_to_an_account(tmp_path):
    """Notes, disabled accounts, times and both kinds of hashes, written as a person would, read, and exported twice."""
    one, two = tmp_path / "one", tmp_path / "two"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        server.update(server.register(allowfrom=["127.0.0.0/8"]), "v" * 43)
    argon2id = json.loads(export(tmp_path).decode().splitlines()[1])["hash"]
    account = make_accounts(1)[0]
    lines = [{"username": account.username.upper(), "subdomain": "chosen", "hash": account.hash, "note": "Für Ünal",
              "disabled": True, "created": 1_600_000_000, "used": 1_700_000_000,
              "values": [{"txt": "v" * 43, "at": 5}, {"rdata": "0161026263", "at": 6}]},
             {"username": "00000000-0000-4000-8000-000000000001", "subdomain": "second", "hash": argon2id,
              "allowfrom": ["192.0.2.0/24"]}]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n\n" for line in lines))
    import_into(one, path)
    exported = export(one)
    import_into(two, one / "export.jsonl")
    assert export(two) == exported
    second, first = [json.loads(line) for line in exported.splitlines()[1:-1]]
    assert first == {**lines[0], "username": account.username, "allowfrom": []}
    assert second == {**lines[1], "created": 0, "used": 0, "values": []}
    with Acmezone(one) as server:
        assert server.txt(f"chosen.{ZONE}") == [], "it is disabled"


def test_lines_come_from_standard_input_too(tmp_path):
    import_into(tmp_path, write_sqlite(tmp_path / "acme-dns.db", make_accounts(5)))
    text = export(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    done = subprocess.run([BINARY, "import", "-", "-c", write_config(other)], input=text, env=clean_environment(),
                          capture_output=True, check=True)
    assert b"5 taken over" in done.stdout
    assert export(other) == text


# The way back

def test_an_export_for_acme_dns_is_its_database(tmp_path):
    accounts = make_accounts(50)
    old, new = write_sqlite(tmp_path / "old.db", accounts), tmp_path / "new.db"
    import_into(tmp_path, old)
    with Acmezone(tmp_path, api={"keep_bcrypt": True, **CHEAP_ARGON2}) as server:
        assert server.update(accounts[0].credentials(), "n" * 43).status_code == 200
        result = run("export", "--acme-dns", new, "-c", server.config)
    assert result.returncode == 0, result.stderr
    accounts[0].values = [("", 0), ("n" * 43, sqlite3.connect(new).execute(
        "SELECT LastUpdate FROM txt WHERE Value = ?", ("n" * 43,)).fetchone()[0])]
    records, values = rows_of(accounts)
    database = sqlite3.connect(new)
    schema = "SELECT name, lower(replace(replace(sql, ' ', ''), char(10), '')) FROM sqlite_master ORDER BY name"
    assert database.execute(schema).fetchall() == sqlite3.connect(old).execute(schema).fetchall()
    assert database.execute("SELECT * FROM acmedns").fetchall() == [("db_version", "1")]
    assert sorted(database.execute("SELECT * FROM records").fetchall()) == sorted(records)
    assert sorted(database.execute("SELECT * FROM txt").fetchall()) == sorted(values)
    assert new.stat().st_mode & 0o777 == 0o600
    again = run("export", "--acme-dns", new, "-c", tmp_path / "config.cfg")
    assert again.returncode == 1 and "is there already" in again.stderr


def test_the_way_back_tells_which_passwords_do_not_work_there(tmp_path):
    accounts = make_accounts(5)
    import_into(tmp_path, write_sqlite(tmp_path / "old.db", accounts))
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.update(accounts[0].credentials(), "n" * 43).status_code == 200
        mine = server.register()
    result = run("export", "--acme-dns", tmp_path / "new.db", "-c", tmp_path / "config.cfg")
    assert result.returncode == SKIPPED
    for username in (accounts[0].username, mine["username"]):
        assert f"account {username}: its password does not work at acme-dns" in result.stderr
    assert "the passwords of 2 accounts have argon2id hashes" in result.stderr
    assert sqlite3.connect(tmp_path / "new.db").execute("SELECT count(*) FROM records").fetchone() == (6,)


# One command

def test_one_command_moves_a_server(tmp_path):
    """The one that is told when acme-dns's config file is served: copied from there, it makes config file and store."""
    accounts = make_accounts(20)
    write_sqlite(tmp_path / "acme-dns.db", accounts)
    old, new = tmp_path / "old.cfg", tmp_path / "etc/config.cfg"
    text = ACME_DNS_V1.replace('"letsencryptstaging"\n', '"none"\n')
    connection = next(line for line in text.splitlines() if line.startswith("connection"))
    old.write_text(text.replace(connection, 'connection = "acme-dns.db"'))
    env = {"ACMEZONE_DATABASE_CONNECTION": str(tmp_path / "data"), "ACMEZONE_GENERAL_LISTEN": "127.0.0.1:0",
           "ACMEZONE_API_IP": "127.0.0.1", "ACMEZONE_API_PORT": "0", "ACMEZONE_LOGCONFIG_LOGFORMAT": "json",
           "ACMEZONE_LOGCONFIG_LOGLEVEL": "info"}
    told = run("-c", old, env=env)
    assert told.returncode == 2 and len(told.stderr.splitlines()) == 1
    words = told.stderr.split("acmezone import ")[1].split()
    assert words == ["--from", str(old), "-c", "/etc/acmezone/config.cfg"]
    words[-1] = str(new)

    tried = run("import", *words, "--dry-run", env=env)
    assert tried.returncode == 0 and "20 to be taken over" in tried.stdout, tried.stderr
    assert not new.exists() and not (tmp_path / "data").exists()
    done = run("import", *words, env=env)
    assert done.returncode == 0 and "20 taken over" in done.stdout, done.stderr
    changed = [pair for pair in zip(old.read_text().splitlines(), new.read_text().splitlines()) if pair[0] != pair[1]]
    assert [line for _, line in changed] == ['engine = "lmdb"', 'connection = "/var/lib/acmezone"']
    again = run("import", *words, env=env)
    assert again.returncode == 0 and "Nothing was changed." in again.stdout
    with Acmezone(tmp_path, config=new, env=env) as server:
        expect_moved_in(server, accounts[:3])


def test_a_long_import_shows_on_a_terminal_how_far_it_is(tmp_path):
    """The source gives accounts for as long as nothing is shown."""
    import_into(tmp_path, write_sqlite(tmp_path / "acme-dns.db", make_accounts(300)))
    lines = b"".join(export(tmp_path).splitlines(keepends=True)[1:-1])
    leader, follower = pty.openpty()
    process = subprocess.Popen([BINARY, "import", "-", "-c", tmp_path / "config.cfg"], env=clean_environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    shown = b""

    def give_more():
        process.stdin.write(lines)
        return select.select([leader], [], [], 0)[0]

    wait_until(give_more, "nothing is shown")
    process.stdin.close()
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # what a terminal says when its last program has gone
        pass
    os.close(leader)
    assert b"there already" in process.stdout.read()
    process.stdout.close()
    assert process.wait() == 0
    assert re.match(rb"(\r\d+ accounts)+\r\x1b\[K$", shown), shown


def test_a_change_that_acme_dns_was_killed_in_is_told(tmp_path):
    """Its journal is still there, and who only reads must not roll it back."""
    path = write_sqlite(tmp_path / "acme-dns.db", make_accounts(2000, n_real=0))
    acme_dns = sqlite3.connect(path)
    acme_dns.execute("PRAGMA cache_size = 1")
    acme_dns.execute("UPDATE txt SET Value = ?", ("v" * 43,))
    killed = tmp_path / "killed.db"
    for end in ("", "-journal"):
        shutil.copy(f"{path}{end}", f"{killed}{end}")
    result = run("import", killed, "-c", write_config(tmp_path))
    assert result.returncode == 1 and "start acme-dns once" in result.stderr, result.stderr


# PostgreSQL

@pytest.fixture(scope="module", name="postgres")
def fixture_postgres():
    """One server for the tests; each empties the tables."""
    with Postgres() as running:
        yield running


@pytest.mark.parametrize("way", ["connection", "keywords"])
def test_accounts_come_from_postgresql(tmp_path, postgres, way):
    accounts = make_accounts(20_000)
    records, values = rows_of(accounts, as_hash=str)
    postgres.sql(f"DROP TABLE IF EXISTS acmedns, records, txt; {TABLES} {TXT_POSTGRES}"
                 "INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1');")
    postgres.copy("records", "Username, Password, Subdomain, AllowFrom", records)
    postgres.copy("txt", "Subdomain, Value, LastUpdate", values)
    assert counts(import_into(tmp_path, getattr(postgres, way))) == numbers(20_000, imported=20_000)
    assert counts(import_into(tmp_path, getattr(postgres, way))) == numbers(20_000, unchanged=20_000)
    other = tmp_path / "other"
    import_into(other, write_sqlite(tmp_path / "acme-dns.db", accounts))
    assert export(tmp_path) == export(other), "the same as from SQLite"
    with Acmezone(tmp_path) as server:
        expect_moved_in(server, accounts[:3])


def test_the_first_release_on_postgresql(tmp_path, postgres):
    accounts = make_accounts(5)
    postgres.sql(f"DROP TABLE IF EXISTS acmedns, records, txt; {TABLE_V0}")
    postgres.copy("records", "Username, Password, Subdomain, Value, LastActive, AllowFrom",
                  [(a.username, a.hash, a.subdomain, *a.values[0], "[]") for a in accounts])
    import_into(tmp_path, postgres.connection)
    with Acmezone(tmp_path) as server:
        expect_moved_in(server, accounts[:3])


@pytest.mark.parametrize("change, why", [
    (lambda text: text.replace("battery", "staple"), "password authentication failed"),
    (lambda text: text.replace("/acmedns?", "/other?"), "does not exist"),
    (lambda text: text + "&binary_parameters=yes", "binary_parameters"),
    (lambda text: text.replace("://", "://a:b:c@"), "none that libpq can read"),
    (lambda text: text.replace("%20", "@"), "none that libpq can read"),
    (lambda text: text.replace("%2F", "/"), "none that libpq can read"),
    (lambda text: text.replace("]", "").replace("127", "[127"), "none that libpq can read"),
])
def test_what_postgresql_refuses_is_told_without_the_password(tmp_path, postgres, change, why):
    result = run("import", change(postgres.connection), "-c", write_config(tmp_path))
    assert result.returncode == 1
    assert why in result.stderr, result.stderr
    assert not any(word in result.stderr for word in ("correct", "battery", "staple")), result.stderr


# Replicas

def test_accounts_come_in_to_all_replicas_and_out_of_etcd(tmp_path):
    accounts = make_accounts(3000)
    path = write_sqlite(tmp_path / "acme-dns.db", accounts)
    with Etcd() as etcd, Replicas(tmp_path, etcd, n=2) as replicas:
        config = replicas[0].config
        assert counts(import_into(tmp_path, path, config=config)) == numbers(3000, imported=3000)
        assert counts(import_into(tmp_path, path, config=config)) == numbers(3000, unchanged=3000)
        for one in replicas:
            assert one.txt(accounts[-1].credentials()["fulldomain"]) == [accounts[-1].values[0][0]]
        text = export(tmp_path, config=config)
        expect_moved_in(replicas[0], accounts[:2])
        wait_until(lambda: replicas[1].txt(accounts[0].credentials()["fulldomain"]), "the other replica")
    alone = tmp_path / "alone"
    import_into(alone, tmp_path / "export.jsonl")
    assert export(alone) == text
