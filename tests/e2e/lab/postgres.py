# SPDX-License-Identifier: MIT
"""A PostgreSQL server on loopback: Debian's, in a folder of its own, as a user of its own (it refuses to run as root).

    with Postgres() as postgres:
        postgres.sql("CREATE TABLE …")
        postgres.connection             # "postgres://acmedns:…@127.0.0.1:…/acmedns"
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from acmezone import wait_until
from lab.processes import ENDS_WITH_US, free_address, is_listening

PASSWORD = "correct horse/battery"  # wants escapes in a connection string
START_S = 60


def find_programs():
    """The folder of the newest version."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


class Postgres:
    """One server with one database."""

    def __init__(self):
        self.programs = find_programs()
        self.user = "nobody" if os.geteuid() == 0 else None
        self.host, self.port = free_address()
        self.folder = self.process = None

    @property
    def connection(self):
        return f"postgres://acmedns:correct%20horse%2Fbattery@{self.host}:{self.port}/acmedns?sslmode=disable"

    @property
    def keywords(self):
        """The same, the other way to write it."""
        return f"host={self.host} port={self.port} user=acmedns password='{PASSWORD}' dbname=acmedns sslmode=disable"

    def _run(self, program, *arguments, **options):
        return subprocess.run([self.programs / program, *map(str, arguments)], user=self.user, cwd=self.folder,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGPASSWORD": PASSWORD}, text=True,
                              capture_output=True, check=False, **options)

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        if self.user:
            shutil.chown(self.folder, self.user)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        made = self._run("initdb", "-D", self.folder / "data", "-U", "acmedns", "--auth", "scram-sha-256", "--no-sync",
                         "--pwfile", password)
        assert made.returncode == 0, made.stderr
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [*ENDS_WITH_US, self.programs / "postgres", "-D", self.folder / "data", "-h", self.host, "-p",
                 str(self.port), "-k", self.folder, "-F"], user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        wait_until(lambda: is_listening(self.process.pid, (self.host, self.port)) and
                   self._run("pg_isready", "-h", self.host, "-p", self.port).returncode == 0,
                   lambda: (self.folder / "log").read_text(), START_S)
        made = self._run("psql", "-h", self.host, "-p", self.port, "-U", "acmedns", "postgres", "-c",
                         "CREATE DATABASE acmedns")
        assert made.returncode == 0, made.stderr
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)  # without waiting for its clients
        self.process.wait()
        shutil.rmtree(self.folder)

    def sql(self, text):
        """Runs statements, and returns what they print."""
        result = self._run("psql", "-h", self.host, "-p", self.port, "-U", "acmedns", "acmedns", "-v", "ON_ERROR_STOP=1",
                           "-qtA", input=text)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def copy(self, table, columns, rows):
        """Fills a table."""
        lines = "".join("\t".join(str(value).replace("\\", "\\\\") for value in row) + "\n" for row in rows)
        self.sql(f"COPY {table} ({columns}) FROM STDIN;\n{lines}\\.\n")
