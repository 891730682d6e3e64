#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs three members of etcd and three replicas, and loads both in turn; prints a line of JSON for each run.

    ACMEZONE_BIN=... replicas.py CLUSTERLOAD ROUNDS SECONDS CLIENTS,...

A program of its own because its parts come from the end-to-end tests, whose modules are called like the bench's.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1] / "e2e")

from lab.etcd import Etcd  # noqa: E402, pylint: disable=wrong-import-position
from lab.replicas import Replicas  # noqa: E402, pylint: disable=wrong-import-position


def run(program, kind, n, *args, lines=""):
    done = subprocess.run([program, *map(str, args)], input=lines, text=True, stdout=subprocess.PIPE, check=True)
    print(json.dumps({"kind": kind, "clients": n, **json.loads(done.stdout)}), flush=True)


def main(program, rounds, seconds, clients):
    clients = [int(n) for n in clients.split(",")]
    with tempfile.TemporaryDirectory(dir=Path(program).parent) as folder, Etcd(is_in_memory=False) as etcd, \
            Replicas(Path(folder), etcd, general={"workers": 1}) as replicas:
        accounts = [replicas[0].register() for _ in range(max(clients))]
        apis = [replica.api.removeprefix("http://") for replica in replicas]
        words = [f"{account['username']} {account['password']} {account['subdomain']}\n" for account in accounts]
        for _ in range(int(rounds)):
            for n in clients:
                run(program, "put", n, "put", seconds, n, *etcd.endpoints.split(","))
                run(program, "update", n, "update", seconds, *apis, lines="".join(words[:n]))


if __name__ == "__main__":
    main(*sys.argv[1:])
