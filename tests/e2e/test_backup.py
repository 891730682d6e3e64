# SPDX-License-Identifier: MIT
"""A backup of a running server is whole, a restore brings it back, and verify finds what is damaged."""

import json
import os
import random
import shutil
import threading

import pytest

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config
from lab.acmedns import make_accounts, write_sqlite
from lab.etcd import Etcd
from lab.replicas import Replicas

TXT = "x" * 43


def verify(place, status=0):
    """The report of a store or a backup."""
    result = run("verify", place, "--json")
    assert result.returncode == status, result.stderr + result.stdout
    return json.loads(result.stdout)


def test_what_was_backed_up_from_a_running_server_is_restored(tmp_path):
    backup = tmp_path / "backup"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register(allowfrom=["127.0.0.0/8"])
        assert server.update(account, TXT).status_code == 200
        done = run("backup", backup, "-c", server.config)
        assert done.returncode == 0 and "1 accounts with 1 values" in done.stdout, done.stderr
        assert backup.stat().st_mode & 0o777 == 0o600
        later = server.register()
        assert server.update(account, "y" * 43).status_code == 200
        refused = run("restore", backup, "-c", server.config, "--force")
        assert refused.returncode == 1 and "in use: stop the server" in refused.stderr
    config = tmp_path / "config.cfg"
    refused = run("restore", backup, "-c", config)
    assert refused.returncode == 1 and "--force" in refused.stderr
    done = run("restore", backup, "-c", config, "--force")
    assert done.returncode == 0, done.stderr
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.txt(account["fulldomain"]) == [TXT]
        assert server.update(later, TXT).status_code == 401
        assert server.update(account, "z" * 43).status_code == 200


def test_a_restore_makes_a_store_where_there_is_none_or_an_empty_one(tmp_path):
    backup = tmp_path / "backup"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        assert run("backup", backup, "-c", server.config).returncode == 0
    for name, is_started in (("new", False), ("empty", True)):
        folder = tmp_path / name
        folder.mkdir()
        config = write_config(folder)
        if is_started:
            with Acmezone(folder):
                pass
        done = run("restore", backup, "-c", config)
        assert done.returncode == 0, done.stderr
        assert sorted(os.listdir(folder / "data")) == ["data.mdb", "lock.mdb"]
        with Acmezone(folder) as server:
            assert server.update(account, TXT).status_code == 200


def test_a_backup_is_of_one_moment_while_clients_go_on(tmp_path):
    """Every backup taken in the middle of updates and registrations verifies, and holds all that was acknowledged before."""
    backup = tmp_path / "backup"
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        accounts = [server.register() for _ in range(4)]
        numbers, is_over = [0] * len(accounts), threading.Event()

        def hammer(nth):
            while not is_over.is_set():
                number = numbers[nth] + 1
                assert server.update(accounts[nth], f"{number:_>43}").status_code == 200
                server.register()
                numbers[nth] = number

        threads = [threading.Thread(target=hammer, args=(nth,)) for nth in range(len(accounts))]
        for thread in threads:
            thread.start()
        for _ in range(5):
            before = list(numbers)
            assert run("backup", backup, "-c", server.config).returncode == 0
            report = verify(backup)
            assert report["sound"] and report["accounts"] >= len(accounts) + sum(before)
            wait_until(lambda: sum(numbers) > sum(before) + 4, "updates")  # pylint: disable=cell-var-from-loop
        is_over.set()
        for thread in threads:
            thread.join()
    assert run("restore", backup, "-c", tmp_path / "config.cfg", "--force").returncode == 0
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        for account, number in zip(accounts, before):
            assert max(int(txt.strip("_")) for txt in server.txt(account["fulldomain"])) >= number


def test_a_backup_is_compacted(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        for _ in range(3):
            account = server.register()
            for number in range(60):
                server.update(account, f"{number:_>43}")
        assert run("backup", tmp_path / "backup", "-c", server.config).returncode == 0
    assert (tmp_path / "backup").stat().st_size < (tmp_path / "data/data.mdb").stat().st_size


def test_a_backup_that_cannot_be_written_leaves_the_old_one(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        server.register()
        result = run("backup", tmp_path / "nowhere/backup", "-c", server.config)
        assert result.returncode == 1 and "No such file" in result.stderr
        assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == []


# Damage

@pytest.fixture(scope="module", name="large")
def fixture_large(tmp_path_factory):
    """A backup of 2,000 accounts."""
    folder = tmp_path_factory.mktemp("large")
    config = write_config(folder)
    done = run("import", write_sqlite(folder / "acme-dns.db", make_accounts(2000)), "-c", config)
    assert done.returncode == 0, done.stderr
    assert run("backup", folder / "backup", "-c", config).returncode == 0
    return folder / "backup"


def test_a_sound_backup_is_told_to_be(large):
    report = verify(large)
    assert report == {"place": str(large), "sound": True, "accounts": 2000, "values": 1000, "revision": 2000,
                      "replica": False, "n_problems": 0, "problems": []}
    told = run("verify", large)
    assert told.returncode == 0 and "2000 accounts with 1000 values" in told.stdout


def damage(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def refused_or_unsound(place):
    """Whether verify finds fault with it: in words, one way or the other, and never by falling over itself."""
    result = run("verify", place)
    assert result.returncode in (0, 1), result.stderr
    assert len(result.stderr.splitlines()) <= 1, result.stderr
    assert result.returncode == 0 or "unsound" in result.stdout or result.stderr.startswith("acmezone: error: ")
    return result.returncode == 1


def test_a_single_wrong_record_is_named(tmp_path, large):
    path = tmp_path / "bad"
    shutil.copy(large, path)
    account = make_accounts(2000)[17]
    content = path.read_bytes()
    # The subdomain stands in the account's record, behind its length, and as the key of its values.
    places = [at for at in range(len(content)) if content.startswith(account.subdomain.encode(), at)]
    assert len(places) == 2
    for at in places:
        if content[at - 1] == len(account.subdomain):
            damage(path, at, b"f" + b"0" * 7)
    report = verify(path, status=1)
    assert not report["sound"]
    assert report["problems"] == [f"account {account.username}: its record is damaged"]
    result = run("restore", path, "-c", write_config(tmp_path))
    assert result.returncode == 1 and "unsound" in result.stderr
    assert not (tmp_path / "data/data.mdb").exists()


def test_no_damage_makes_verify_fall_over_or_a_restore_go_on(tmp_path, large):
    """Pages overwritten at random, and files cut short: each is refused, or found unsound, or touched nothing in use."""
    dice = random.Random(2)
    content = large.read_bytes()
    path, n_found = tmp_path / "bad", 0
    for case in range(25):
        spoilt = bytearray(content)
        at = dice.randrange(2, len(content) // 4096) * 4096
        if case % 3 == 0:
            del spoilt[at:]
        elif case % 3 == 1:
            spoilt[at:at + 4096] = dice.randbytes(4096)
        else:
            spoilt[at:at + 16] = dice.randbytes(16)
        path.write_bytes(spoilt)
        n_found += refused_or_unsound(path)
    assert n_found >= 20
    path.write_bytes(content[:len(content) // 2])
    result = run("restore", path, "-c", write_config(tmp_path))
    assert result.returncode == 1 and "damaged" in result.stderr
    assert not (tmp_path / "data/data.mdb").exists()


@pytest.mark.parametrize("make", [
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(bytes(100_000)),
    lambda path: path.write_text("Dear diary\n" * 1000), lambda path: path.mkdir(), lambda path: None,
], ids=["empty", "zeros", "a text", "an empty directory", "nothing"])
def test_what_is_no_store_is_refused(tmp_path, make):
    path = tmp_path / "place"
    make(path)
    result = run("verify", path)
    assert result.returncode == 1 and result.stderr.startswith("acmezone: error: "), result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not path.is_dir() or not list(path.iterdir())


# Replicas

def test_what_etcd_holds_is_not_backed_up_here_but_a_copy_can_be_verified(tmp_path):
    with Etcd() as etcd, Replicas(tmp_path, etcd, n=1) as (one,):
        one.update(one.register(), TXT)
        for command in ("backup", "restore"):
            result = run(command, tmp_path / "backup", "-c", one.config)
            assert result.returncode == 1 and "snapshot" in result.stderr and len(result.stderr.splitlines()) == 1
        done = run("verify", "-c", one.config, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["sound"] and report["replica"] and report["accounts"] == 1 and report["values"] == 1
