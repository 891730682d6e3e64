# SPDX-License-Identifier: MIT
"""Acknowledged updates with three replicas beside etcd's own puts, in one run and on one machine: 1, 16 and 64 clients.

    ACMEZONE_BIN=build/acmezone cluster.py CLUSTER_LOAD [SECONDS]

An update is counted when it was answered 200, so when all three replicas serve it. All data lies on the disk of the temporary
folder. Members, replicas and the load share the machine's cores.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from lab.etcd import Etcd  # pylint: disable=wrong-import-position
from lab.replicas import Replicas  # pylint: disable=wrong-import-position

CLIENTS = (1, 16, 64)


def load(program, *args, lines=""):
    result = subprocess.run([program, *map(str, args)], input=lines, text=True, capture_output=True, check=True)
    return json.loads(result.stdout)


def main(program, seconds="4"):
    with tempfile.TemporaryDirectory() as folder, Etcd(is_in_memory=False) as etcd, \
            Replicas(Path(folder), etcd, general={"workers": 1}) as replicas:
        accounts = [replicas[0].register() for _ in range(max(CLIENTS))]
        apis = [one.api.removeprefix("http://") for one in replicas]
        print(f"{'clients':>8} {'puts/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'updates/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'p50':>6} {'rate':>6}")
        for n in CLIENTS:
            put = load(program, "put", seconds, n, *etcd.endpoints.split(","))
            lines = "".join(f"{account['username']} {account['password']} {account['subdomain']}\n" for account in accounts[:n])
            update = load(program, "update", seconds, *apis, lines=lines)
            print(f"{n:>8} {put['per_s']:>9.0f} {put['p50_ms']:>8.2f} {put['p99_ms']:>8.2f} {update['per_s']:>10.0f} "
                  f"{update['p50_ms']:>8.2f} {update['p99_ms']:>8.2f} {update['p50_ms'] / put['p50_ms']:>5.2f}x "
                  f"{update['per_s'] / put['per_s']:>5.2f}x")


if __name__ == "__main__":
    main(*sys.argv[1:])
