# SPDX-License-Identifier: MIT
"""DNS over TCP: eight pipelined, one at a time, and one connection a query, against NSD and Knot."""

from figures import Runs, Scene, Table, Target, ratio, rotated
from scenes import peers

LOADS = {
    "8 pipelined": {"pipelined": 8},
    "1 at a time": {"pipelined": 1, "window": 1},
    "1 a connection": {"pipelined": 1, "window": 1, "per_connection": 1, "connections": 4},  # Knot's backlog takes few
}


def measure(bench):
    with peers.running(bench) as running:
        runs = {kind: {server.name: Runs() for server in running} for kind in LOADS}
        for turn in range(bench.pace.rounds):
            for kind, args in LOADS.items():
                for server in rotated(running, turn):
                    run = peers.ask(server, "tcpload", seconds=bench.pace.seconds, **args)
                    run["qps_a_core"] = run["qps"] / run["busy"]
                    runs[kind][server.name].rows.append(run)
    return Scene("tcp", [table(runs)], targets(runs), chart=chart(runs))


def table(runs):
    rows = [[f"{kind}: {name}", run.least("cpu_us"), run.median("cpu_us"), run.median("qps_a_core"), run.most("qps"),
             run.median("busy") * 100, run.median("p50_us")]
            for kind, by_server in runs.items() for name, run in by_server.items()]
    columns = ["", "CPU µs a query, least", "median", "queries/s a core", "best queries/s", "core busy %", "p50 µs"]
    return Table("TCP, one core; 16 connections, 4 at a time where each is for one query", columns, rows)


def targets(runs):
    def against_knot(kind, key):
        return ratio(runs[kind]["acmezone"], [runs[kind]["Knot"]], key)

    return [
        Target("TCP, 8 pipelined: queries/s a core, to Knot", against_knot("8 pipelined", "qps_a_core"), 5,
               is_at_most=False),
        Target("TCP, 1 a connection: CPU a query, to Knot", against_knot("1 a connection", "cpu_us"), 1.0),
    ]


def chart(runs):
    return {f"TCP, {kind}": {name: run.median("cpu_us") for name, run in by_server.items()}
            for kind, by_server in runs.items()}
