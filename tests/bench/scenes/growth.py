# SPDX-License-Identifier: MIT
"""How acmezone grows: the same questions over stores of 10,000 to 10,000,000 accounts.

All stores are served at once by a server each, one after the other is asked, so the sizes are compared under the same
noise. Every size is asked as many different questions, spread over all accounts.
"""

import shutil

import servers
from figures import Runs, Scene, Table, Target, ratio, rotated, spread
from lab import MIB, BenchFailed
from scenes import peers


QUESTIONS = 2**20
BYTES_AN_ACCOUNT = 500  # on disk, with something to spare


def measure(bench):
    if shutil.disk_usage(bench.folder).free < sum(bench.pace.sizes) * BYTES_AN_ACCOUNT:
        raise BenchFailed(f"not enough room for {max(bench.pace.sizes):,} accounts in {bench.folder}")
    sizes = [Size(bench, accounts) for accounts in bench.pace.sizes]
    try:
        for size in sizes:
            size.fill_and_start(bench.pace.starts)
        for turn in range(bench.pace.rounds):
            for size in rotated(sizes, turn):
                size.ask(bench.pace.seconds)
        rows = [size.row() for size in sizes]
    finally:
        for size in sizes:
            size.close()
    columns = ["accounts", "CPU µs a query, least", "median", "best queries/s", "p50 µs", "start to first answer ms",
               "private MiB", "mapped MiB", "store MiB", "filled in s"]
    return Scene("growth", [Table("Growth, UDP at saturation, one core", columns, rows)], targets(sizes),
                 chart={"sizes": [size.chart_row() for size in sizes]})


class Size:
    """One store and its server."""

    def __init__(self, bench, accounts):
        self.bench, self.accounts = bench, accounts
        self.store = bench.folder / f"store-{accounts}"
        self.server = servers.Acmezone(bench.folder, self.store, name=f"acmezone-{accounts}")
        self.starts_ms, self.runs = [], Runs()
        self.fill_s = self.private_mib = self.mapped_mib = 0

    def fill_and_start(self, n_starts):
        self.fill_s, subdomain = self.bench.fill(self.store, self.accounts)
        for n in range(n_starts):
            self.server.start(subdomain)
            self.starts_ms.append(self.server.first_answer_ms)
            if n < n_starts - 1:
                self.server.stop()

    def ask(self, seconds):
        self.runs.rows.append(peers.ask(self.server, "udpload", accounts=self.accounts, questions=QUESTIONS,
                                        seconds=seconds))
        self.private_mib = self.server.memory_mib("RssAnon")
        self.mapped_mib = self.server.memory_mib("RssFile", "RssShmem")

    def close(self):
        self.server.stop()
        shutil.rmtree(self.store, ignore_errors=True)

    def row(self):
        runs = self.runs
        return [f"{self.accounts:,}", runs.least("cpu_us"), runs.median("cpu_us"), runs.most("qps"),
                runs.median("p50_us"), spread(self.starts_ms).value, self.private_mib, self.mapped_mib,
                (self.store / "data.mdb").stat().st_blocks * 512 / MIB, self.fill_s]

    def chart_row(self):
        return {"accounts": self.accounts, "cpu_us": spread(self.runs.each("cpu_us")),
                "start_ms": spread(self.starts_ms), "private_mib": spread([self.private_mib])}


def targets(sizes):
    small, large = sizes[0], sizes[-1]
    return [
        Target(f"CPU a query, {large.accounts:,} accounts to {small.accounts:,}",
               ratio(large.runs, [small.runs], "cpu_us"), 1.5),
        Target(f"start to first answer, {large.accounts:,} accounts: ms", spread(large.starts_ms), 200),
        Target(f"private memory, {large.accounts:,} accounts: MiB", spread([large.private_mib]), 64),
    ]
