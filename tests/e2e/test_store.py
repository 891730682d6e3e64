# SPDX-License-Identifier: MIT
"""What is acknowledged is kept: over a restart, a kill, a full store, a full disk; and which stores are refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import dns.rcode
import pytest
import requests

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config

TXT = "x" * 43


def test_a_restart_keeps_accounts_and_values(tmp_path, new_txt):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        accounts = [server.register(allowfrom=["127.0.0.0/8"]) for _ in range(5)]
        values = [new_txt() for _ in accounts]
        for account, value in zip(accounts, values):
            assert server.update(account, value).status_code == 200
        server.restart()
        for account, value in zip(accounts, values):
            assert server.txt(account["fulldomain"]) == [value]
            other = new_txt()
            assert server.update(account, other).status_code == 200
            assert server.txt(account["fulldomain"]) == sorted([value, other])


def test_a_kill_in_the_middle_of_updates_loses_nothing_acknowledged(tmp_path):
    acknowledged = {}

    def hammer(server, account):
        http = requests.Session()
        headers = {"X-Api-User": account["username"], "X-Api-Key": account["password"]}
        for number in range(100000):
            txt = f"{number:_>43}"
            try:
                answer = http.post(f"{server.api}/update", json={"subdomain": account["subdomain"], "txt": txt},
                                   headers=headers)
            except requests.ConnectionError:
                return
            assert answer.status_code == 200
            acknowledged[account["fulldomain"]] = txt

    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        accounts = [server.register() for _ in range(4)]
        threads = [threading.Thread(target=hammer, args=(server, account)) for account in accounts]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) == 4 and all(txt > f"{20:_>43}" for txt in acknowledged.values()),
                   "updates")
        last = server.register()
        server.kill()
        for thread in threads:
            thread.join()
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        for name, txt in acknowledged.items():
            assert txt in server.txt(name)
        assert server.update(last, TXT).status_code == 200


def fill_up(server):
    """Eight clients register until each was refused three times; checks each refusal; returns the accounts that fitted.

    Their changes share transactions: one that does not fit must not take those with it that do, nor pass for kept.
    """
    accounts = []

    def register():
        http = requests.Session()
        n_refused = 0
        while n_refused < 3:  # near the end some still fit while others do not
            answer = http.post(f"{server.api}/register", timeout=20)
            if answer.status_code == 201:
                accounts.append(answer.json())
                continue
            n_refused += 1
            assert answer.status_code in (500, 503)
            assert answer.text == '{"error": "db_error"}'
            assert answer.status_code == 500 or answer.headers["Retry-After"].isdigit()

    with ThreadPoolExecutor(8) as pool:
        for client in [pool.submit(register) for _ in range(8)]:
            client.result()
    return accounts


def assert_all_is_kept(server, accounts):
    for account in accounts:
        assert server.query(account["fulldomain"], "TXT").rcode() == dns.rcode.NOERROR
    assert server.txt(accounts[0]["fulldomain"]) == [TXT]


def fill_and_check(server):
    first = server.register()
    assert server.update(first, TXT).status_code == 200
    accounts = [first, *fill_up(server)]
    assert server.counters()["registrations"] == len(accounts) > 100
    ready = server.http.get(f"{server.api}/ready")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"] if not check["ready"]] == ["store"]
    assert server.http.get(f"{server.api}/health").status_code == 200
    assert server.errors
    assert_all_is_kept(server, accounts)
    return accounts


def test_a_full_store_answers_db_error_while_dns_and_what_is_kept_go_on(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2, database={"map_size": 1 << 20}, expects_errors=True) as server:
        accounts = fill_and_check(server)
    with Acmezone(tmp_path, api=CHEAP_ARGON2, database={"map_size": 8 << 20}) as server:
        assert_all_is_kept(server, accounts)
        assert all(server.update(account, TXT).status_code == 200 for account in accounts[::50])
        assert server.http.get(f"{server.api}/ready").status_code == 200


def test_a_full_disk_answers_db_error_while_dns_and_what_is_kept_go_on(tmp_path):
    """The store lies on a small disk of its own, which only the server sees."""
    (tmp_path / "data").mkdir()
    small_disk = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"', tmp_path / "data"]
    with Acmezone(tmp_path, api=CHEAP_ARGON2, wrapper=small_disk, expects_errors=True) as server:
        fill_and_check(server)


@pytest.mark.parametrize("kind", ["a file", "nonsense"])
def test_a_store_that_cannot_be_opened_is_one_clear_line_and_exit_1(tmp_path, kind):
    if kind == "a file":
        (tmp_path / "data").write_text("a file")
    else:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "data.mdb").write_bytes(b"nonsense" * 2000)
    result = run("-c", write_config(tmp_path))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert str(tmp_path / "data") in result.stderr


def test_the_store_is_readable_by_its_owner_only(tmp_path):
    with Acmezone(tmp_path):
        files = [tmp_path / "data", *(tmp_path / "data").iterdir()]
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        assert all(file.stat().st_mode & 0o007 == 0 for file in files)


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    """Its format is a number of eight bytes behind its key, here raised by one in every page that has it."""
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
    path = tmp_path / "data" / "data.mdb"
    sound = path.read_bytes()
    ours, newer = (b"format" + format.to_bytes(8, "big") for format in (2, 3))
    assert ours in sound
    path.write_bytes(sound.replace(ours, newer))
    result = run("-c", write_config(tmp_path))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert str(tmp_path / "data") in result.stderr and "newer" in result.stderr
    path.write_bytes(sound)
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.update(account, TXT).status_code == 200
