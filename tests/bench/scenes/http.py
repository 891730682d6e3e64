# SPDX-License-Identifier: MIT
"""Updates and registrations over HTTP, each beside the bare thing it cannot beat: an LMDB loop, an argon2 hash.

Server and client share both cores. The LMDB loop puts to as many records as there are clients, and commits as many puts
at a time as the server did in the run before it.
"""

import itertools
import tempfile

import servers
from figures import Runs, Scene, Table, Target, ratio, spread
from lab import BOTH_CORES, BenchFailed, load

CONNECTIONS = 64
BATCH_ROWS = ("changes", "commits")


def measure(bench):
    server = servers.Acmezone(bench.folder, bench.store(), cores=BOTH_CORES)
    server.start(bench.subdomain)
    try:
        runs = Rounds(bench, server)
        for _ in range(bench.pace.rounds):
            runs.one_round()
    finally:
        server.stop()
    return Scene("http", [runs.table()], runs.targets(), notes=[runs.batch_note()])


class Rounds:
    """Runs calls and floors in turn."""

    KINDS = ("update", "update floor", "one update", "one update floor", "first use", "register", "hash floor")

    def __init__(self, bench, server):
        self.bench, self.server = bench, server
        self.runs = {kind: Runs() for kind in self.KINDS}
        self.batches = []
        self.unused = itertools.count(1000, 500)  # accounts that nobody has updated yet

    def one_round(self):
        before = self.server.counters()
        self.call("update", 200, call="update", connections=CONNECTIONS)
        after = self.server.counters()
        changes, commits = (after[row] - before[row] for row in BATCH_ROWS)
        self.batches.append(changes / commits)
        self.lmdb("update floor", CONNECTIONS, round(changes / commits))
        self.call("one update", 200, call="update", connections=1)
        self.lmdb("one update floor", 1, 1)
        self.call("first use", 200, call="first", connections=1, first=next(self.unused))
        self.call("register", 201, call="register", connections=1)
        self.runs["hash floor"].rows.append(load("hashfloor", BOTH_CORES, seconds=self.bench.pace.seconds))

    def call(self, kind, wanted, **args):
        run = load("httpload", BOTH_CORES, port=self.server.api_port, pids=self.server.pids,
                   seconds=self.bench.pace.seconds, **args)
        if set(run["codes"]) != {str(wanted)}:
            raise BenchFailed(f"{kind}: the API answered {run['codes']}")
        self.runs[kind].rows.append(run)

    def lmdb(self, kind, touched, batch):
        with tempfile.TemporaryDirectory(dir=self.bench.folder) as folder:
            self.runs[kind].rows.append(load("lmdbfloor", BOTH_CORES, folder=folder, touched=touched,
                                             batch=batch, seconds=self.bench.pace.seconds))

    def table(self):
        names = {
            "update": f"/update, {CONNECTIONS} connections", "update floor": "bare LMDB loop, the same batch",
            "one update": "/update, one connection", "one update floor": "bare LMDB loop, one put a commit",
            "first use": "/update, first use of a key", "register": "/register, one connection",
            "hash floor": "bare argon2id hash",
        }
        rows = [[names[kind], run.least("qps"), run.median("qps"), run.most("qps"), run.median("p50_us"),
                 run.median("cpu_us") or "—"] for kind, run in self.runs.items()]
        return Table("HTTP, server and client on the same two cores",
                     ["", "a second, least", "median", "most", "p50 µs", "server's CPU µs"], rows)

    def targets(self):
        runs = self.runs
        return [
            Target(f"/update over {CONNECTIONS} connections: synced updates a second",
                   spread(runs["update"].each("qps")), 10000, is_at_most=False),
            Target("the same, to the bare LMDB loop", ratio(runs["update"], [runs["update floor"]], "qps"), 0.5,
                   is_at_most=False),
            Target("one /update: p50, to one bare LMDB commit",
                   ratio(runs["one update"], [runs["one update floor"]], "p50_us"), 1.5),
            Target("first use of a key: p50, to the bare hash",
                   ratio(runs["first use"], [runs["hash floor"]], "p50_us"), 1.2),
        ]

    def batch_note(self):
        return f"Updates that shared one commit, mean of each round: {spread(self.batches)}."
