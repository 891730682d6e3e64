# SPDX-License-Identifier: MIT
"""Started as root, the server becomes another user in every thread, keeps no capability, and goes on as before."""

import json
import pwd
import shutil
from pathlib import Path

import pytest

import acmezone
from acmezone import CHEAP_ARGON2, Acmezone, free_port, run, write_config
from test_own_certificate import children, running_world, served, wait_for
from test_privilege import threads

TXT = "x" * 43
NOBODY = pwd.getpwnam("nobody")
IDS = {"Uid": NOBODY.pw_uid, "Gid": NOBODY.pw_gid}


@pytest.fixture
def open_path(tmp_path):
    """A directory that nobody can reach and write: the parents of tmp_path are root's alone."""
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.name.startswith(("pytest-", "test_")) or parent == tmp_path:
            parent.chmod(0o755)
    tmp_path.chmod(0o777)
    return tmp_path


def low_port():
    """A port below 1024 that was free a moment ago."""
    return 200 + free_port() % 800


@pytest.mark.parametrize("user", ["nobody", str(NOBODY.pw_uid)])
def test_root_is_given_up_in_every_thread_after_low_ports_are_bound(open_path, user):
    log = open_path / "log"
    with Acmezone(open_path, general={"user": user}, api={**CHEAP_ARGON2, "port": str(low_port())},
                  logconfig={"logtype": "both", "logfile": str(log)}) as server:
        assert server.wait_event("serve.sandbox")["uid"] == NOBODY.pw_uid
        for thread in threads(server):
            for key, number in IDS.items():
                assert thread[key].split() == [str(number)] * 4
            assert {int(thread[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
            assert "0" not in thread["Groups"].split()
        account = server.register()
        assert server.update(account, TXT).status_code == 200
        log.rename(open_path / "log.1")
        server.reload()
        assert server.txt(account["fulldomain"]) == [TXT]
    for path in (open_path / "data", open_path / "data" / "data.mdb", log):
        assert path.stat().st_uid == NOBODY.pw_uid
    with Acmezone(open_path, config=open_path / "config.cfg", api=CHEAP_ARGON2) as server:
        assert server.txt(account["fulldomain"]) == [TXT]


def test_a_group_can_be_chosen(open_path):
    with Acmezone(open_path, general={"user": "nobody", "group": "daemon"}, api=CHEAP_ARGON2) as server:
        assert {thread["Gid"].split()[0] for thread in threads(server)} == {"1"}
        assert server.register()


def test_root_without_a_user_is_warned_about(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.events_named("serve.is_root")[0]["level"] == "warn"


def test_the_acme_client_is_run_as_that_user_too(open_path, monkeypatch):
    """The program is where that user can run it, as an installed one is: it is what the client calls back."""
    monkeypatch.setattr(acmezone, "BINARY", shutil.copy(acmezone.BINARY, open_path / "acmezone"))
    with running_world(open_path) as world, world.server(general={"user": "nobody"}) as server:
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in children(server.pid)]
        assert len(statuses) == 1
        assert f"\nUid:\t{NOBODY.pw_uid}\t{NOBODY.pw_uid}\t{NOBODY.pw_uid}\t{NOBODY.pw_uid}\n" in statuses[0]
        assert "\nNoNewPrivs:\t1\n" in statuses[0] and "\nCapPrm:\t0000000000000000\n" in statuses[0]
        wait_for(server, "acme.issued")
        served(server, world.context())
        assert {path.stat().st_uid for path in world.cache.rglob("*")} == {NOBODY.pw_uid}


def test_what_root_makes_beside_the_server_is_the_servers(open_path):
    """A command of root's makes the store before its server is there; the server, who is not root, can use it."""
    (open_path / "data").mkdir(mode=0o700)
    shutil.chown(open_path / "data", "nobody", "nogroup")
    result = run("account", "create", "--json", "-c", write_config(open_path, api=CHEAP_ARGON2))
    assert result.returncode == 0, result.stderr
    assert {file.stat().st_uid for file in (open_path / "data").iterdir()} == {NOBODY.pw_uid}
    with Acmezone(open_path, general={"user": "nobody"}, api=CHEAP_ARGON2) as server:
        account = json.loads(result.stdout)
        assert server.update(account, TXT).status_code == 200
        result = run("account", "disable", account["username"], "-c", server.config)
        assert result.returncode == 0, result.stderr
        assert server.update(account, TXT).status_code == 403
    assert {file.stat().st_uid for file in (open_path / "data").iterdir()} == {NOBODY.pw_uid}
