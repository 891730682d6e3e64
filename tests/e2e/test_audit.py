# SPDX-License-Identifier: MIT
"""The audit log: who did what from where, in the log or in a file of its own, and never a secret."""

import json

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config

TXT = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
TOKEN = "0123456789abcdef0123"


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_registrations_updates_and_refusals_are_lines_of_a_file_without_secrets(tmp_path):
    path = tmp_path / "audit.json"
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "registration_tokens": [f"customers:{TOKEN}"]},
                  audit={"enabled": True, "file": str(path)}) as server:
        assert server.http.post(f"{server.api}/register").status_code == 401
        answer = server.http.post(f"{server.api}/register", headers={"Authorization": f"Bearer {TOKEN}"})
        account = answer.json()
        assert server.update(account, TXT).status_code == 200
        wrong = {**account, "password": "x" * 40}
        assert server.update(wrong, TXT).status_code == 401
        assert server.update(account, TXT, subdomain="0" * 8 + "-0000-4000-8000-" + "0" * 12).status_code == 401
        assert server.http.post(f"{server.api}/update").status_code == 401
        assert path.stat().st_mode & 0o777 == 0o640
    seen = [(line["event"], line["result"], line.get("reason")) for line in lines_of(path)]
    assert seen == [("audit.register", "refused", "token"), ("audit.register", "done", None),
                    ("audit.update", "done", None), ("audit.update", "refused", "password"),
                    ("audit.update", "refused", "subdomain"), ("audit.update", "refused", "credentials")]
    register, update = lines_of(path)[1:3]
    assert register["token"] == "customers"
    assert update["value"] == "LHDhK3oG…"
    for line in lines_of(path):
        assert line["ip"] == "127.0.0.1" and line["actor"] == "client"
    for line in (register, update):
        assert line["account"] == account["username"] and line["subdomain"] == account["subdomain"]
    for secret in (account["password"], wrong["password"], TOKEN, TXT):
        assert secret not in path.read_text()
    assert "audit." not in server.log


def test_without_a_file_the_lines_are_in_the_log(tmp_path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2, audit={"enabled": True}) as server:
        account = server.register()
        line = server.wait_event("audit.register")
        assert line["account"] == account["username"] and line["result"] == "done"


def test_it_is_off_unless_asked_for(tmp_path):
    path = tmp_path / "audit.json"
    with Acmezone(tmp_path, api=CHEAP_ARGON2, audit={"file": str(path)}) as server:
        server.register()
        server.wait_event("register.done")
    assert not path.exists() and "audit." not in server.log


def test_sighup_opens_the_file_anew(tmp_path):
    path = tmp_path / "audit.json"
    with Acmezone(tmp_path, api=CHEAP_ARGON2, audit={"enabled": True, "file": str(path)}) as server:
        server.register()
        path.rename(tmp_path / "audit.json.1")
        server.reload()
        server.register()
        wait_until(lambda: path.exists() and lines_of(path), "a line in the new file")
    assert len(lines_of(path)) == len(lines_of(tmp_path / "audit.json.1")) == 1


def test_a_file_that_cannot_be_opened_is_one_clear_line_and_exit_1(tmp_path):
    path = tmp_path / "nowhere/audit.json"
    result = run("-c", write_config(tmp_path, audit={"enabled": True, "file": str(path)}))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert str(path) in line and "No such file or directory" in line
