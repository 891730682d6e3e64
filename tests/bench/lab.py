# SPDX-License-Identifier: MIT
"""The lab: a folder, two cores, load generators that run to their end, and servers that are started and stopped.

Servers are pinned to SERVER_CORES, load generators and this program itself to CLIENT_CORES, unless a scene lets them
share both. A server is stopped by the process ids of the session it leads; should this program be killed, the kernel
stops it.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ACMEZONE = Path(os.environ.get("ACMEZONE_BIN", ROOT / "build/acmezone")).resolve()
PROGRAMS = ACMEZONE.parent / "bench"
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8"}

SERVER_CORES, CLIENT_CORES, BOTH_CORES = "0", "1", "0,1"
HOST = "127.0.0.1"
ZONE = "auth.example.org"
START_S, STOP_S, SPARE_S = 60, 5, 60
MIB = 1024 * 1024


class BenchFailed(Exception):
    """The bench cannot go on; the text is for the person who runs it."""


def pin_to(cores):
    """The words before a command that keep it on these cores."""
    return ["taskset", "-c", cores]


def load(program, cores=CLIENT_CORES, **args):
    """Runs one of the bench's C programs to its end and returns what it printed, a dict."""
    return finish(start_load(program, cores, **args), args.get("seconds", 0))


def start_load(program, cores=CLIENT_CORES, **args):
    """Starts one of the bench's C programs."""
    words = [f"{key}={value}" for key, value in args.items()]
    return subprocess.Popen([*pin_to(cores), PROGRAMS / program, *words], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)


def finish(process, seconds):
    """Waits for a program of start_load that measures for so long, and returns what it printed."""
    try:
        out, err = process.communicate(timeout=seconds + SPARE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise BenchFailed(f"{process.args} did not end") from None
    if process.returncode != 0:
        raise BenchFailed(f"{process.args} failed: {err}")
    return json.loads(out)


def free_port():
    """A port that is free for UDP and for TCP."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((HOST, 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def txt_question(subdomain):
    """A DNS message that asks for the TXT records of a name below the zone."""
    labels = [subdomain, *ZONE.split(".")]
    qname = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack(">6H", 1, 0, 1, 0, 0, 0) + qname + struct.pack(">2H", 16, 1)


class Server:
    """A server of the lab. `argv` is its command line, `port` where it answers DNS over UDP."""

    def __init__(self, name, argv, port, folder, cores=SERVER_CORES):
        self.name, self.argv, self.port, self.cores = name, argv, port, cores
        self.log_path = folder / f"{name}.log"
        self.process = None
        self.first_answer_ms = None

    def start(self, subdomain):
        """Starts it and asks for the subdomain until an answer comes; notes how long that took."""
        begin = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*pin_to(self.cores), "setpriv", "--pdeathsig", "TERM", *map(str, self.argv)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=ENVIRONMENT)
        while not self._answers(subdomain):
            if self.process.poll() is not None or time.monotonic() - begin > START_S:
                self.stop()
                raise BenchFailed(f"{self.name} does not answer:\n{self.log_path.read_text(errors='replace')[-2000:]}")
        self.first_answer_ms = (time.monotonic() - begin) * 1000
        return self

    def _answers(self, subdomain):
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(0.001)
            client.connect((HOST, self.port))
            try:
                client.send(txt_question(subdomain))
                answer = client.recv(4096)
                return answer[3] & 15 == 0 and answer[6:8] != b"\0\0"  # some refuse until their zone is loaded
            except ConnectionRefusedError:  # not yet bound
                time.sleep(0.0005)
                return False
            except TimeoutError:
                return False

    def stop(self):
        """SIGTERM to the server, SIGKILL to what is left of its session."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        for pid in self._session():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _session(self):
        """The processes of the session that the server leads."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                yield int(path.parent.name)

    @property
    def pids(self):
        """Its processes, as the load generators take them."""
        return ",".join(map(str, self._session()))

    def memory_mib(self, *kinds):
        """Its memory now, in MiB, summed over its processes; kinds are rows of /proc/PID/status: VmRSS, RssAnon ..."""
        total = 0
        for pid in self._session():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                key, _, value = line.partition(":")
                total += int(value.split()[0]) * 1024 if key in kinds else 0
        return total / MIB
