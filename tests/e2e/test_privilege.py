# SPDX-License-Identifier: MIT
"""What the server may do, and what others may see of its files.

The tests of all the other files run inside the sandbox too, as it is on by default: reloads, log rotation and renewed
certificates are theirs.
"""

import os
import re
import stat
from pathlib import Path

import pytest

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config

TXT = "x" * 43


def is_instrumented(server):
    """A program built with sanitizers or for coverage says that seccomp is off."""
    return server.events_named("serve.sandbox")[-1]["seccomp"] == "off"


def threads(server):
    """For each thread, its /proc status as a dict."""
    return [dict(re.findall(r"^(\w+):\t(.*)$", (task / "status").read_text(), re.M))
            for task in Path(f"/proc/{server.pid}/task").iterdir()]


def test_what_is_in_force_is_told_at_start_and_holds_in_every_thread(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        told = server.wait_event("serve.sandbox")
        assert told["no_new_privs"] == 1
        assert told["landlock"] in ("on", "unsupported", "off")
        assert len(threads(server)) >= 4
        assert {thread["NoNewPrivs"] for thread in threads(server)} == {"1"}
        if not is_instrumented(server):
            assert {thread["Seccomp"] for thread in threads(server)} == {"2"}
            assert told["landlock"] != "off"
            assert (told["landlock"] == "on") == (told["landlock_version"] > 0)


def test_each_part_can_be_switched_off(tmp_path):
    with Acmezone(tmp_path, general={"seccomp": "off", "landlock": False}, api=CHEAP_ARGON2) as server:
        told = server.wait_event("serve.sandbox")
        assert (told["seccomp"], told["landlock"]) == ("off", "off")
        assert {thread["Seccomp"] for thread in threads(server)} == {"0"}
        assert server.register()


def test_seccomp_can_be_tried_out(tmp_path):
    with Acmezone(tmp_path, general={"seccomp": "log"}, api=CHEAP_ARGON2) as server:
        assert server.wait_event("serve.sandbox")["seccomp"] in ("log", "off")
        account = server.register()
        assert server.update(account, TXT).status_code == 200
        server.reload()
        assert server.txt(account["fulldomain"]) == [TXT]


def test_outside_the_directories_of_the_config_nothing_can_be_opened(tmp_path):
    """The config file is found by a link, which is made to lead elsewhere while the server runs."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    config = write_config(inside, general={"records": ["auth.example.org. A 192.0.2.1"]}, api=CHEAP_ARGON2)
    (outside / "config.cfg").write_text(config.read_text().replace("192.0.2.1", "192.0.2.2"))
    with Acmezone(tmp_path, config=config, expects_errors=True) as server:
        config.unlink()
        config.symlink_to(outside / "config.cfg")
        server.reload()
        is_closed = server.wait_event("serve.sandbox")["landlock"] == "on"
        address = server.query("auth.example.org.", "A").answer[0][0].address
        assert address == ("192.0.2.1" if is_closed else "192.0.2.2")


def refused(config, *texts):
    result = run("serve", "-c", config)
    assert result.returncode == 1
    for text in texts:
        assert text in result.stderr, result.stderr


def test_the_store_is_made_for_its_owner_alone(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        assert server.register()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    for name in ("data.mdb", "lock.mdb"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name, mode", [("", 0o755), ("", 0o701), ("data.mdb", 0o644), ("data.mdb", 0o602),
                                        ("lock.mdb", 0o606)])
def test_a_store_that_others_can_get_at_is_refused(tmp_path, name, mode):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
        assert server.update(account, TXT).status_code == 200
    path = tmp_path / "data" / name
    usual = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode)
    refused(tmp_path / "config.cfg", str(path).rstrip("/"), "chmod o-rwx")
    path.chmod(usual | 0o040)  # the group is the owner's affair
    with Acmezone(tmp_path, config=tmp_path / "config.cfg") as server:
        assert server.txt(account["fulldomain"]) == [TXT]


def test_a_user_who_does_not_exist_is_one_clear_line(tmp_path):
    refused(write_config(tmp_path, general={"user": "no-such-user"}), "no-such-user", "no such user")
    refused(write_config(tmp_path, general={"user": "nobody", "group": "no-such-group"}), "no such user or group")
    assert not (tmp_path / "data").exists()


def test_a_restart_as_the_same_user_is_no_change(tmp_path):
    with Acmezone(tmp_path, general={"user": str(os.geteuid())}, api=CHEAP_ARGON2) as server:
        assert server.wait_event("serve.sandbox")["uid"] == os.geteuid()
        wait_until(server.register, "an account")
