# SPDX-License-Identifier: MIT
"""acmezone, NSD and Knot with the same 100,000 names, side by side, for the scenes that compare them."""

import math
from contextlib import contextmanager

import servers
from lab import BenchFailed, load

HITS, HITS_MAY_DIFFER = 0.9, 0.02
NOERROR, NXDOMAIN = "0", "3"
TRIES = 3


@contextmanager
def running(bench, *more):
    """Starts the three, and more; they all run throughout, idle while another is measured."""
    zone = bench.zone()
    all_servers = [servers.Acmezone(bench.folder, bench.store()), servers.nsd(bench.folder, zone),
                   servers.knot(bench.folder, zone), *more]
    try:
        for server in all_servers:
            server.start(bench.subdomain)
        yield all_servers
    finally:
        for server in all_servers:
            server.stop()


def ask(server, program, **args):
    """One run of a load generator, its answers checked. On a busy machine a short run may go by without any."""
    for _ in range(TRIES):
        run = load(program, port=server.port, pids=server.pids, **args)
        if run["codes"]:
            return run if isinstance(server, servers.UdpFloor) else check(server.name, run)
    raise BenchFailed(f"{server.name} answers nothing")


def check(name, run):
    """Fast but wrong does not count. A share of few answers may differ from nine in ten by chance."""
    codes = run["codes"]
    total = sum(codes.values())
    hits = codes.get(NOERROR, 0)
    may_differ = HITS_MAY_DIFFER * total + 4 * math.sqrt(total * HITS * (1 - HITS))
    if abs(hits - HITS * total) > may_differ or hits + codes.get(NXDOMAIN, 0) < total:
        raise BenchFailed(f"{name} answered {codes}: wanted nine in ten NOERROR, the others NXDOMAIN")
    return run
