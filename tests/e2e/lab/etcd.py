# SPDX-License-Identifier: MIT
"""An etcd cluster on loopback: Debian's etcd-server, started, killed, stopped and restored member by member.

    with Etcd(n_members=3) as etcd:
        etcd.endpoints                  # "http://127.0.0.1:...,..."
        etcd.leader().kill()
        etcd.ctl("get", "--prefix", "/acmezone", "--keys-only")

The data lies in memory where the system offers it, so that the tests' speed is not that of a disk.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import requests

from acmezone import wait_until
from lab.processes import ENDS_WITH_US, SEARCH_PATH, free_address

MEMORY = Path("/dev/shm")
HTTP_S = 1
START_S = 30


def make_folder(is_in_memory):
    """A fresh folder, in memory if wanted and possible; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix="etcd-", dir=MEMORY if is_in_memory and os.access(MEMORY, os.W_OK) else None))


class Member:
    """One member. It is stopped, hung or gone only when the test wants it so."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.host, self.port = free_address()
        self.peer_port = free_address()[1]
        self.data = cluster.folder / name
        self.process = None

    @property
    def endpoint(self):
        return f"{self.cluster.scheme}://{self.host}:{self.port}"

    @property
    def peer(self):
        return f"http://{self.host}:{self.peer_port}"

    @property
    def log(self):
        return (self.cluster.folder / f"{self.name}.log").read_text(errors="replace")

    def start(self):
        """Starts it without waiting."""
        arguments = ["--name", self.name, "--data-dir", self.data, "--enable-v2=false", "--log-level", "warn",
                     "--listen-client-urls", self.endpoint, "--advertise-client-urls", self.endpoint,
                     "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                     "--initial-cluster", self.cluster.initial, "--initial-cluster-token", self.cluster.token,
                     *self.cluster.options]
        with open(self.cluster.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen([*ENDS_WITH_US, "etcd", *map(str, arguments)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, cwd=self.cluster.folder,
                                            env={"PATH": SEARCH_PATH, "HOME": str(self.cluster.folder)})

    def kill(self):
        """SIGKILL."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self):
        """SIGSTOP: it hangs with its connections open, all its threads, when this returns."""
        self.process.send_signal(signal.SIGSTOP)
        wait_until(self.is_stopped, f"{self.name} goes on")

    def is_stopped(self):
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def is_up(self):
        """Whether it serves and knows a leader."""
        assert self.process is None or self.process.poll() is None, f"{self.name} has ended:\n{self.log[-3000:]}"
        result = self.cluster.run_ctl("endpoint", "health", endpoints=self.endpoint)
        return result.returncode == 0

    def wait_up(self):
        wait_until(self.is_up, lambda: f"{self.name} is not healthy:\n{self.log[-3000:]}", START_S)

    def is_leader(self):
        """Asks the member itself; one that does not answer is none."""
        try:
            answer = requests.post(f"{self.endpoint}/v3/maintenance/status", json={}, timeout=HTTP_S).json()
        except requests.RequestException:
            return False
        return answer.get("leader") == answer["header"]["member_id"]


class Etcd:
    """A cluster. options go to every member; tls is a folder with ca.pem and server and client, each .pem and .key."""

    def __init__(self, n_members=3, options=(), tls=None, is_in_memory=True):
        self.folder = make_folder(is_in_memory)
        self.scheme = "https" if tls else "http"
        self.tls = tls
        self.options = list(options)
        self.login = None  # "user:password" for etcdctl
        self.n_restored = 0
        if tls:
            self.options += ["--cert-file", tls / "server.pem", "--key-file", tls / "server.key",
                             "--client-cert-auth", "--trusted-ca-file", tls / "ca.pem"]
        self.members = [Member(self, f"member-{i}") for i in range(n_members)]

    @property
    def token(self):
        return f"acmezone-{self.n_restored}"

    @property
    def initial(self):
        return ",".join(f"{member.name}={member.peer}" for member in self.members)

    @property
    def endpoints(self):
        return ",".join(member.endpoint for member in self.members)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        for member in self.members:
            member.start()
        for member in self.members:
            member.wait_up()

    def kill(self):
        for member in self.members:
            member.kill()

    def leader(self):
        """The member that leads, as soon as there is one."""
        return wait_until(lambda: next((one for one in self.members if one.process and one.is_leader()), None),
                          "etcd has no leader", START_S)

    def followers(self):
        leader = self.leader()
        return [member for member in self.members if member is not leader]

    # etcdctl

    def run_ctl(self, *args, endpoints=None, env=None):
        command = ["etcdctl", "--endpoints", endpoints or self.endpoints]
        if self.tls:
            command += ["--cacert", self.tls / "ca.pem", "--cert", self.tls / "client.pem", "--key", self.tls / "client.key"]
        if self.login:
            command += ["--user", self.login]
        command += args
        return subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False, timeout=60,
                              env={"PATH": SEARCH_PATH, "ETCDCTL_API": "3", **(env or {})})

    def ctl(self, *args, endpoints=None):
        """What etcdctl prints; it must succeed."""
        result = self.run_ctl(*args, endpoints=endpoints)
        assert result.returncode == 0, f"etcdctl {args}: {result.stderr}"
        return result.stdout

    def keys(self, prefix):
        return [line for line in self.ctl("get", "--prefix", prefix, "--keys-only").splitlines() if line]

    def put_many(self, pairs):
        """Puts (key, value in bytes) in one transaction."""
        encode = lambda text: base64.b64encode(text).decode()
        puts = [{"request_put": {"key": encode(key.encode()), "value": encode(value)}} for key, value in pairs]
        url = f"{self.members[0].endpoint}/v3/kv/txn"
        requests.post(url, json={"success": puts}, timeout=START_S).raise_for_status()

    def revision(self):
        return json.loads(self.ctl("get", "nothing", "-w", "json"))["header"]["revision"]

    def compact(self):
        """Forgets all revisions but the last."""
        self.ctl("compact", self.revision())

    # Backups

    def backup(self):
        path = self.folder / "backup.db"
        path.unlink(missing_ok=True)
        self.ctl("snapshot", "save", path, endpoints=self.members[0].endpoint)
        return path

    def restore(self, path):
        """Kills the cluster and makes another one of a backup, at the same endpoints."""
        self.kill()
        self.n_restored += 1
        for member in self.members:
            shutil.rmtree(member.data, ignore_errors=True)
            self.ctl("snapshot", "restore", path, "--name", member.name, "--data-dir", member.data,
                     "--initial-cluster", self.initial, "--initial-cluster-token", self.token,
                     "--initial-advertise-peer-urls", member.peer)
        self.start()

    def lose_everything(self):
        """Kills the cluster and begins another one with nothing in it, at the same endpoints."""
        self.kill()
        self.n_restored += 1
        for member in self.members:
            shutil.rmtree(member.data, ignore_errors=True)
        self.start()
