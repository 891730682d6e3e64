# SPDX-License-Identifier: MIT
"""DNS while 16 clients try wrong passwords as fast as the API lets them: what a resolver notices of it."""

import servers
from figures import Runs, Scene, Table, Target, ratio, rotated
from lab import BOTH_CORES, BenchFailed, finish, start_load
from scenes import peers

RATE, ATTACKERS, LEAD_S = 1000, 16, 0.5


def measure(bench):
    server = servers.Acmezone(bench.folder, bench.store(), workers=0, cores=BOTH_CORES)
    server.start(bench.subdomain)
    runs = {"idle": Runs(), "flooded": Runs(), "flood": Runs()}
    kinds = [("idle", probe), ("flooded", flooded)]
    try:
        for turn in range(bench.pace.rounds):
            for kind, ask in rotated(kinds, turn):
                runs[kind].rows.append(ask(server, bench.pace.seconds, runs))
    finally:
        server.stop()
    return Scene("flood", [table(runs)], [
        Target(f"DNS at {RATE:,} a second: p50 while the API is flooded, to idle",
               ratio(runs["flooded"], [runs["idle"]], "p50_us"), 2.0)])


def probe(server, seconds, _runs):
    return peers.ask(server, "udpload", cores=BOTH_CORES, rate=RATE, burst=1, sleep=1, seconds=seconds)


def flooded(server, seconds, runs):
    attack = start_load("httpload", BOTH_CORES, port=server.api_port, call="wrong", connections=ATTACKERS,
                        warm_up=LEAD_S, seconds=seconds)
    try:
        run = probe(server, seconds, runs)
    finally:
        flood = finish(attack, seconds)
    if set(flood["codes"]) - {"401", "429", "503"}:
        raise BenchFailed(f"wrong passwords were answered {flood['codes']}")
    runs["flood"].rows.append(flood)
    return run


def table(runs):
    rows = [["idle", "—", runs["idle"].median("p50_us"), runs["idle"].median("p99_us")],
            ["flooded", runs["flood"].median("qps"), runs["flooded"].median("p50_us"),
             runs["flooded"].median("p99_us")]]
    return Table(f"DNS at {RATE:,} queries a second, beside {ATTACKERS} clients with wrong passwords",
                 ["", "wrong passwords refused a second", "DNS p50 µs", "p99 µs"], rows)
