# SPDX-License-Identifier: MIT
"""Acknowledged updates with three replicas beside etcd's own puts, by 1, 16 and 64 clients.

An update counts when it was answered 200: when all three replicas serve it. The three members of etcd keep their data on
the disk; they, the replicas and the load share both cores.
"""

import json
import os
import subprocess
import sys

from figures import Runs, Scene, Table, Target, ratio
from lab import ACMEZONE, BOTH_CORES, PROGRAMS, ROOT, BenchFailed, pin_to

CLIENTS = (1, 16, 64)


def measure(bench):
    command = [*pin_to(BOTH_CORES), sys.executable, ROOT / "tests/bench/replicas.py", PROGRAMS / "clusterload",
               str(bench.pace.rounds), str(bench.pace.seconds), ",".join(map(str, CLIENTS))]
    done = subprocess.run(command, text=True, capture_output=True, check=False,
                          env={**os.environ, "ACMEZONE_BIN": str(ACMEZONE)})
    if done.returncode != 0:
        raise BenchFailed(f"replicas.py failed: {done.stderr}")
    runs = {}
    for row in map(json.loads, done.stdout.splitlines()):
        runs.setdefault((row["kind"], row["clients"]), Runs()).rows.append(row)
    few, many = CLIENTS[0], CLIENTS[-1]
    return Scene("cluster", [table(runs)], [
        Target("three replicas, one client: p50 of an update, to one put of etcd",
               ratio(runs["update", few], [runs["put", few]], "p50_ms"), 3.0),
        Target(f"three replicas, {many} clients: updates a second, to etcd's puts",
               ratio(runs["update", many], [runs["put", many]], "per_s", better=max), 0.5, is_at_most=False)])


def table(runs):
    rows = []
    for n in CLIENTS:
        for kind, name in (("update", "/update"), ("put", "etcd's put")):
            of = runs[kind, n]
            rows.append([f"{name}, {n} client{'s' if n > 1 else ''}", of.least("per_s"), of.median("per_s"),
                         of.median("p50_ms"), of.median("p99_ms")])
    return Table("Three replicas on three members of etcd, all on the same two cores",
                 ["", "a second, least", "median", "p50 ms", "p99 ms"], rows)
