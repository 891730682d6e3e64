# SPDX-License-Identifier: MIT
"""`make drill`: each way of publishing a challenge is killed in turn, and certificates are renewed all the same.

deploy/failover-drill does it, as an operator would: two servers of one zone, then both of them at once, when the fallback
has to write the value into the customer's own zone. The rest is the small Internet of lab.world, with certbot, pebble
as the authority, and a resolver that keeps nothing. Needs root, for the network namespace.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from acmezone import BINARY, clean_environment
from lab import certificate, world
from lab.pebble import Pebble
from lab.world import HOME, RESOLVER, ROOT, SECOND, SERVER, Customer

DRILL = Path(__file__).resolve().parents[2] / "deploy/failover-drill"
API_PORT = 8053
DOMAIN = "good.com"
RUN_S = 600


def customers(account):
    return [Customer("good", [f"_acme-challenge CNAME {account['fulldomain']}."])]


def operator(_world):
    return ["auth NS ns.auth", "auth NS ns2.auth", f"ns.auth A {SERVER}", f"ns2.auth A {SECOND}"]


class Path_:
    """One server: how the drill kills it and starts it again."""

    def __init__(self, internet, name, address, inside):
        self.name, self.inside = name, inside
        self.server = internet.servers[name]
        self.api = f"http://{address}:{API_PORT}"
        self.pid_file = internet.folder / f"{name}.pid"
        self.pid_file.write_text(str(self.server.process.pid))

    @property
    def stop(self):
        """Kills it, and waits until it is gone."""
        return f"kill -KILL $(cat {self.pid_file}) && while kill -0 $(cat {self.pid_file}) 2>&-; do sleep 0.05; done"

    @property
    def start(self):
        """Starts it, and waits until its API answers."""
        serve = shlex.join([*self.inside, "setpriv", "--pdeathsig", "TERM", str(BINARY), "serve", "-c",
                            str(self.server.config)])
        ready = shlex.join([*self.inside, "curl", "-sf", "-o", "/dev/null", f"{self.api}/health"])
        return f"{serve} >/dev/null 2>&1 & echo $! >{self.pid_file}; until {ready}; do sleep 0.05; done"
