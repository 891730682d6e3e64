# SPDX-License-Identifier: MIT
"""DNS over UDP: at saturation and at a fixed rate, against NSD, Knot and the bare socket loop."""

import servers
from figures import Runs, Scene, Table, Target, ratio, rotated
from scenes import peers

ANSWER_BYTES = 188  # acmezone's mean answer to these questions
RATE = 20000

LOADS = {"saturation": {}, "rate": {"rate": RATE, "burst": 1}}


def measure(bench):
    with peers.running(bench, servers.UdpFloor(bench.folder, ANSWER_BYTES)) as running:
        runs = {kind: {server.name: Runs() for server in running} for kind in LOADS}
        for turn in range(bench.pace.rounds):
            for kind, args in LOADS.items():
                for server in rotated(running, turn):
                    run = peers.ask(server, "udpload", seconds=bench.pace.seconds, **args)
                    runs[kind][server.name].rows.append(run)
        facts = {server.name: (server.memory_mib("VmRSS"), server.first_answer_ms) for server in running}
    return Scene("udp", [saturation_table(runs["saturation"], facts), rate_table(runs["rate"])], targets(runs),
                 chart=chart(runs))


def split(runs):
    """(ours, the peers', the floor's)."""
    return runs["acmezone"], [runs["NSD"], runs["Knot"]], runs["bare sockets"]


def saturation_table(runs, facts):
    _, others, floor = split(runs)
    best_peer = min(other.median("cpu_us") for other in others)
    rows = [[name, run.least("cpu_us"), run.median("cpu_us"), run.median("cpu_us") / best_peer,
             run.median("cpu_us") / floor.median("cpu_us"), run.most("qps"), run.median("p50_us"), run.median("bytes"),
             *facts[name]] for name, run in runs.items()]
    return Table("UDP at saturation, one core",
                 ["", "CPU µs a query, least", "median", "to the best peer", "to bare sockets", "best queries/s",
                  "p50 µs", "answer bytes", "RSS MiB", "start to first answer ms"], rows)


def rate_table(runs):
    rows = [[name, run.least("cpu_us"), run.median("cpu_us"), run.median("p50_us")] for name, run in runs.items()]
    return Table(f"UDP at {RATE:,} queries a second, one at a time",
                 ["", "CPU µs a query, least", "median", "p50 µs"], rows)


def targets(runs):
    ours, others, floor = split(runs["saturation"])
    ours_paced, others_paced, _ = split(runs["rate"])
    return [
        Target("UDP at saturation: CPU a query, to the better of NSD and Knot", ratio(ours, others, "cpu_us"), 0.70),
        Target("UDP at saturation: best queries/s, to the better of NSD and Knot",
               ratio(ours, others, "qps", max, of=Runs.most), 1.4, is_at_most=False),
        Target("UDP at saturation: CPU a query, to bare sockets", ratio(ours, [floor], "cpu_us"), 1.35),
        Target(f"UDP at {RATE:,} a second: CPU a query, to the better of NSD and Knot",
               ratio(ours_paced, others_paced, "cpu_us"), 1.0),
        Target(f"UDP at {RATE:,} a second: p50, to the better of NSD and Knot",
               ratio(ours_paced, others_paced, "p50_us"), 1.0),
    ]


def chart(runs):
    titles = {"saturation": "UDP, saturated", "rate": f"UDP, {RATE:,} a second"}
    return {titles[kind]: {name: run.median("cpu_us") for name, run in by_server.items()}
            for kind, by_server in runs.items()}
