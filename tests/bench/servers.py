# SPDX-License-Identifier: MIT
"""The servers that are compared: acmezone, NSD and Knot with one worker each, and the bare socket loop.

NSD drops answers under load unless its rate limit is off; the others have none by default.
"""

import re
import shutil
import signal
import subprocess
import time

from lab import ACMEZONE, HOST, PROGRAMS, SEARCH_PATH, SERVER_CORES, ZONE, BenchFailed, Server, free_port

# All questions come from one address: the limits are counted, and as high as they go.
ACMEZONE_CONFIG = """\
[general]
listen = "{host}:{port}"
domain = "{zone}"
nsname = "{zone}"
nsadmin = "admin.example.org"
records = ["{zone}. A 192.0.2.1", "{zone}. NS {zone}."]
workers = {workers}
rrl_existing_per_s = 1000000
rrl_others_per_s = 1000000
tcp_per_client = 1024
[metrics]
listen = "127.0.0.1:0"
[database]
connection = "{store}"
[api]
ip = "{host}"
port = "{api_port}"
auth_failures_per_min = 0
requests_per_s = 0
"""

NSD_CONFIG = """\
server:
    ip-address: {host}@{port}
    server-count: 1
    username: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/nsd.xfrd"
    zonelistfile: "{folder}/nsd.zonelist"
    rrl-ratelimit: 0
    minimal-responses: yes
    tcp-count: 1000
remote-control:
    control-enable: no
zone:
    name: "{zone}"
    zonefile: "{file}"
"""

KNOT_CONFIG = """\
server:
    rundir: "{folder}/knot"
    listen: "{host}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}/knot"
zone:
  - domain: "{zone}"
    file: "{file}"
    zonefile-sync: -1
    journal-content: none
"""


class Acmezone(Server):
    """acmezone on a store; workers 0 is one a core."""

    def __init__(self, folder, store, *, name="acmezone", workers=1, cores=SERVER_CORES):
        self.api_port = free_port()
        port = free_port()
        config = folder / f"{name}.cfg"
        config.write_text(ACMEZONE_CONFIG.format(host=HOST, port=port, zone=ZONE, workers=workers, store=store,
                                                 api_port=self.api_port))
        super().__init__(name, [ACMEZONE, "serve", "-c", config], port, folder, cores)

    def counters(self):
        """What it has counted so far: a dict of numbers."""
        n = self._counter_lines()
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 5
        while len(now := self._counter_lines()) == len(n):
            if time.monotonic() > deadline:
                raise BenchFailed("acmezone does not report its counters")
            time.sleep(0.005)
        return {key: int(value) for key, value in re.findall(r" (\w+)=(\d+)", now[-1])}

    def _counter_lines(self):
        return [line for line in self.log_path.read_text().splitlines() if " serve.counters " in line]


def nsd(folder, zone_file):
    """NSD with one server process."""
    port = free_port()
    config = folder / "nsd.conf"
    config.write_text(NSD_CONFIG.format(host=HOST, port=port, folder=folder, zone=ZONE, file=zone_file))
    return Server("NSD", ["nsd", "-d", "-c", config], port, folder)


def knot(folder, zone_file):
    """Knot DNS with one worker for UDP and one for TCP."""
    port = free_port()
    config = folder / "knot.conf"
    (folder / "knot").mkdir()
    config.write_text(KNOT_CONFIG.format(host=HOST, port=port, folder=folder, zone=ZONE, file=zone_file))
    return Server("Knot", ["knotd", "-c", config], port, folder)


class UdpFloor(Server):
    """The bare recvmmsg and sendmmsg loop: every answer is as long and none means anything."""

    def __init__(self, folder, answer_bytes):
        port = free_port()
        super().__init__("bare sockets", [PROGRAMS / "udpfloor", f"port={port}", f"bytes={answer_bytes}"], port, folder)


def versions():
    """What is compared: a list of texts."""
    texts = []
    for argv in ([ACMEZONE, "version"], ["nsd", "-v"], ["knotd", "--version"]):
        program = shutil.which(argv[0], path=SEARCH_PATH)
        done = subprocess.run([program, *argv[1:]], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        texts.append(done.stdout.splitlines()[0].replace(" version", ""))
    return texts
