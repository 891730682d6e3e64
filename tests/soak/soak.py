# SPDX-License-Identifier: MIT
"""soak.py SECONDS: everything at once, for a while.

Registrations, updates, questions over UDP and TCP, wrong passwords, garbage on every port, connections that come and go,
reloads. In the first third the server is stopped and killed in turn; after each start all accounts are asked for. In the
rest one process runs, and neither its memory nor its descriptors may grow. Each value is asked for when it is
acknowledged, and all of them in the end. The log holds no error.
"""

import http.client
import random
import re
import signal
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from acmezone import CHEAP_ARGON2, DEADLINE_S, DEFAULTS, ZONE, Acmezone, wait_until, write_config  # noqa: E402
from books import PAUSE_S, Books, Writers, check  # noqa: E402
from packets import DROPPED, MALFORMED  # noqa: E402
from wire import TYPE_A, framed, opt_record, query_bytes, receive_framed, udp_exchange  # noqa: E402

SEED = 20261121
TOKEN = "soak-0123456789-abcdefghij"  # without it garbage would register, too
N_WRITERS = 6
GROWTH_BYTES = 1 << 20  # buffers of a busy moment
GROWTH_DESCRIPTORS = 30  # connections come and go
STRANGER, VANDAL = "127.0.0.9", "127.0.0.8"  # clients who are not the writers'
NAMES = [f"{ZONE}.", f"nobody.{ZONE}.", f"a.b.c.{ZONE}.", "example.com.", ".", f"_acme-challenge.{ZONE}.", "version.bind."]
SEEDS = [*MALFORMED.values(), *DROPPED.values(), *(query_bytes(1, name, rdtype) for name in NAMES for rdtype in (1, 16, 255)),
         *(query_bytes(1, name, 6, opt=opt_record(4096, options=bytes(8))) for name in NAMES)]
REQUESTS = [b"GET / HTTP/1.1\r\n\r\n", b"POST /update HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
            b"POST /register HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\r\n" * 20, b"GET /" + b"a" * 70000, b"\x00" * 100,
            b"POST /register HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST /upda"]
API = {**CHEAP_ARGON2, "idle_s": 5, "credential_cache": 64, "auth_failures_per_min": None, "registration_tokens": [f"soak:{TOKEN}"]}
GENERAL = {"tcp_idle_s": 2, "rrl_existing_per_s": None, "rrl_others_per_s": None}


def mutate(packet, numbers):
    """The packet with some of its bytes changed, cut off or doubled."""
    data = bytearray(packet)
    for _ in range(numbers.randrange(4)):
        if data:
            data[numbers.randrange(len(data))] = numbers.randrange(256)
    if numbers.random() < 0.2:
        data = data[:numbers.randrange(len(data) + 1)] + data[numbers.randrange(len(data) + 1):]
    return bytes(data)


# What is done to the server, each over and over in a thread of its own; each returns how often it did it.

def datagrams(server, numbers):
    """Questions and garbage over UDP; whether an answer comes is not looked at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.dns)
        for _ in range(200):
            sock.send(mutate(numbers.choice(SEEDS), numbers))
            time.sleep(0.001)
    return 200


def pipelines(server, numbers):
    """Many questions on one TCP connection, cut anywhere, each answered."""
    stream = b"".join(framed(query_bytes(ident, numbers.choice(NAMES))) for ident in range(50))
    with socket.create_connection(server.dns, DEADLINE_S) as sock:
        for start in range(0, len(stream), 97):
            sock.sendall(stream[start:start + 97])
        answers = [receive_framed(sock) for _ in range(50)]
    if b"" in answers:
        raise ConnectionResetError
    idents = sorted(struct.unpack("!H", answer[:2])[0] for answer in answers)
    assert idents == list(range(50)), idents
    time.sleep(PAUSE_S)
    return 50


def streams(server, numbers):
    """Garbage over TCP, and connections that say nothing or half of something, and go away."""
    idle = [socket.create_connection(server.dns, DEADLINE_S) for _ in range(5)]
    for sock in idle:
        sock.sendall(framed(mutate(numbers.choice(SEEDS), numbers))[:numbers.randrange(60)])
    for sock in idle:
        sock.close()
    time.sleep(PAUSE_S)
    return len(idle)


def requests(server, numbers):
    """Garbage over HTTP."""
    url = urlsplit(server.api)
    with socket.create_connection((url.hostname, url.port), DEADLINE_S, source_address=(VANDAL, 0)) as sock:
        sock.sendall(mutate(numbers.choice(REQUESTS), numbers))
        sock.settimeout(PAUSE_S)
        try:
            sock.recv(4096)
        except TimeoutError:
            pass
    return 1


def strangers(server, numbers):
    """Wrong passwords, for accounts that are there and others."""
    url = urlsplit(server.api)
    connection = http.client.HTTPConnection(url.hostname, url.port, DEADLINE_S, source_address=(STRANGER, 0))
    accounts = server.books.accounts
    for _ in range(20):
        user = numbers.choice(accounts).username if accounts and numbers.random() < 0.5 else "c36f50e8-4632-44f0-83fe-e070fef28a10"
        connection.request("POST", "/update", "{}", {"X-Api-User": user, "X-Api-Key": "x" * 40})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (401, 429, 503), answer.status
        time.sleep(PAUSE_S)
    connection.close()
    return 20


def reloads(server, numbers):
    """A static record that was not there before."""
    address = bytes([192, 0, 2, numbers.randrange(256)])
    write(server, f"soak.{ZONE}. A {socket.inet_ntoa(address)}")
    server.signal(signal.SIGHUP)
    wait_until(lambda: udp_exchange(server.dns, query_bytes(1, f"soak.{ZONE}.", TYPE_A)).endswith(address), "the new record")
    server.signal(signal.SIGUSR1)
    time.sleep(0.2)
    return 1


NOISES = [datagrams, pipelines, streams, requests, strangers, reloads]


class Noise(threading.Thread):
    """One of them, until it is stopped. Connections may break: the server is restarted."""

    def __init__(self, server, do):
        super().__init__(daemon=True)
        self.server, self.do = server, do
        self.random = random.Random(f"{SEED} {do.__name__}")
        self.n_done = 0
        self.is_over = False
        self.failure = None

    def run(self):
        while not self.is_over and not self.failure:
            try:
                self.n_done += self.do(self.server, self.random)
            except (OSError, http.client.HTTPException):
                time.sleep(PAUSE_S)
            except BaseException as failure:
                self.failure = failure


class Noises:
    """All of them, while the block lasts."""

    def __init__(self, server, counts):
        self.all = [Noise(server, do) for do in NOISES]
        self.counts = counts

    def __enter__(self):
        for noise in self.all:
            noise.start()

    def __exit__(self, kind, _value, _traceback):
        for noise in self.all:
            noise.is_over = True
        for noise in self.all:
            noise.join()
            self.counts[noise.do.__name__] = self.counts.get(noise.do.__name__, 0) + noise.n_done
            if kind is None and noise.failure:
                raise noise.failure


def write(server, record):
    """The server's config file, in one step, with one static record more."""
    folder = server.tmp_path / "new"
    folder.mkdir(exist_ok=True)
    sections = {**server.sections, "database": {"connection": str(server.tmp_path / "data")},
                "general": {**GENERAL, "records": [*DEFAULTS["general"]["records"], record]}}
    write_config(folder, **sections).replace(server.config)


def measure(server):
    """(bytes of memory that is the process's own, open descriptors)"""
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    anonymous = int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1]) * 1024
    return anonymous, len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def restart_often(server, counts, seconds):
    """Stops and kills in turn, all accounts asked for after each start; in the end it runs."""
    deadline = time.monotonic() + seconds
    while True:
        server.start()
        counts["checked after a start"] = counts.get("checked after a start", 0) + check(server.dns, server.books.accounts)
        if time.monotonic() > deadline:
            return
        kind = ("kills", "stops")[counts.get("kills", 0) > counts.get("stops", 0)]
        with Writers(server.books, server, N_WRITERS, may_end=True), Noises(server, counts):
            time.sleep(server.books.random.uniform(0.5, 2))
            if kind == "kills":
                server.kill()
            else:
                assert server.stop() == 0, server.report()
        assert server.stderr == "", server.report()
        counts[kind] = counts.get(kind, 0) + 1


def run_long(server, counts, seconds):
    """One process; returns the samples of its memory and descriptors, taken while it works."""
    at_rest = measure(server)
    samples = []
    with Writers(server.books, server, N_WRITERS, may_end=False), Noises(server, counts):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            samples.append(measure(server))
            time.sleep(0.2)
    wait_until(lambda: measure(server)[1] <= at_rest[1] + 8, "descriptors that are given back")
    return samples


def check_growth(samples):
    """The last quarter against the second, as the first warms up; returns the medians."""
    quarter = len(samples) // 4
    growth = []
    for which, limit in enumerate((GROWTH_BYTES, GROWTH_DESCRIPTORS)):
        before, after = (statistics.median(sample[which] for sample in part)
                         for part in (samples[quarter:2 * quarter], samples[-quarter:]))
        assert after - before <= limit, f"grows from {before} to {after}"
        growth.append((before, after))
    return growth


def soak(seconds, folder):
    server = Acmezone(folder, api=API, general=GENERAL)
    server.books = Books(SEED, TOKEN)
    counts = {}
    try:
        restart_often(server, counts, seconds / 3)
        memory, descriptors = check_growth(run_long(server, counts, seconds * 2 / 3))
        n_checked = check(server.dns, server.books.accounts)
        assert server.stop() == 0, server.report()
    finally:
        server.kill()
    assert server.stderr == "", server.report()
    assert not server.errors, server.errors[:5]
    print(f"soak: {seconds:.0f} s, {server.books.n_acknowledged} changes acknowledged, each asked for at once; all {n_checked} accounts asked for "
          f"in the end, nothing lost; memory {memory[0] / 1e6:.2f} -> {memory[1] / 1e6:.2f} MB, descriptors {descriptors[0]:.0f} -> {descriptors[1]:.0f}")
    print("soak: " + ", ".join(f"{name}: {n}" for name, n in counts.items()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="acmezone-soak-") as temporary:
        soak(float(sys.argv[1]), Path(temporary))
