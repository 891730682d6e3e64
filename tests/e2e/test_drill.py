# SPDX-License-Identifier: MIT
"""The failover drill, as `make drill` runs it: a certificate on each surviving path; and a drill that fails says so.

Needs root: `make e2e` leaves this file out for anybody else.
"""

import subprocess

from acmezone import clean_environment
from drill import DRILL, DOMAIN, staged

RUN_S = 500


def run(argv, env=None):
    return subprocess.run(argv, env=clean_environment(env), text=True, capture_output=True, timeout=RUN_S, check=False)


def test_a_certificate_is_issued_on_each_surviving_path(tmp_path):
    with staged(tmp_path) as stage:
        done = run(stage.argv(), stage.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        assert [line.rpartition("without: ")[2] for line in done.stdout.splitlines() if "renewed in" in line] == [
            "nothing, all is up", "the first server", "the second server", "both servers: the fallback publishes"]
        assert stage.n_certificates() == 4
        assert stage.verify().names == [DOMAIN]


def test_a_renewal_that_fails_is_told_and_everything_is_started_again(tmp_path):
    up = tmp_path / "up"
    up.touch()
    done = run([DRILL, "--renew", f"test -e {up} || {{ echo no way; exit 9; }}",
                "--path", "the only server", f"rm {up}", f"touch {up}", "--path", "nothing", "true", "true"])
    assert done.returncode == 1 and up.exists()
    assert "NOT RENEWED, without: the only server (exit code 9)" in done.stdout and "| no way" in done.stdout
    assert "renewed in" in done.stdout.splitlines()[-3] and done.stdout.endswith("The drill has failed.\n")


def test_what_cannot_be_stopped_or_started_is_told(tmp_path):
    done = run([DRILL, "--renew", "true", "--path", "rock", "exit 4", "true", "--path", "egg", "true", "exit 5"])
    assert done.returncode == 3
    assert "cannot stop rock: exit 4" in done.stderr and "cannot start it again: exit 5" in done.stderr


def test_a_wrong_command_line_is_refused():
    for argv in ([], ["--renew", "true"], ["--path", "a", "b", "c"], ["--path", "a"], ["--what"]):
        assert run([DRILL, *argv]).returncode == 2
    assert run([DRILL, "--help"]).stdout.startswith("failover-drill: proves")
