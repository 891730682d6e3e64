#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures acmezone: DNS over UDP and TCP against NSD, Knot and bare sockets, updates over HTTP against bare LMDB and
bare argon2, growth from ten thousand to ten million accounts, and DNS beside a flood of wrong passwords.

    bench.py [--quick] [--only udp,tcp,http,growth,flood]

Runs are short and interleaved, servers pinned to one core and clients to the other; what counts is the median of the
rounds, and a ratio comes with its range. It says which targets are met and fails only when it cannot measure. A run of
everything that is not --quick rewrites docs/bench.md between its markers and the charts beside it.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import lab
import report
from scenes import flood, growth, http, tcp, udp

SCENES = {"udp": udp, "tcp": tcp, "http": http, "growth": growth, "flood": flood}
ACCOUNTS = 100000


@dataclass(frozen=True)
class Pace:
    """How long to measure."""

    rounds: int
    seconds: float
    starts: int
    sizes: tuple


FULL = Pace(rounds=5, seconds=2, starts=5, sizes=(10**4, 10**5, 10**6, 10**7))
QUICK = Pace(rounds=5, seconds=0.3, starts=3, sizes=(10**4, 10**5, 10**6))


class Bench:
    """What the scenes share; stores and zone files are made when the first scene wants them."""

    def __init__(self, folder, pace):
        self.root, self.pace = Path(folder), pace
        self.folder = self.root
        self.subdomain = None
        self._zone = None

    def enter(self, scene):
        """A folder of its own for each scene."""
        self.folder = self.root / scene
        self.folder.mkdir()

    def fill(self, store, accounts):
        """Fills a store; returns the seconds it took and the subdomain of one of the accounts."""
        begin = time.monotonic()
        answer = lab.load("bulkload", lab.BOTH_CORES, store=store, accounts=accounts)
        return time.monotonic() - begin, answer["subdomain"]

    def store(self):
        """A fresh store of ACCOUNTS accounts."""
        path = self.folder / "store"
        _, self.subdomain = self.fill(path, ACCOUNTS)
        return path

    def zone(self):
        """The same data as a zone file."""
        if self._zone is None:
            self._zone = self.root / "zone"
            self.subdomain = lab.load("bulkload", zone=self._zone, accounts=ACCOUNTS)["subdomain"]
        return self._zone


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs, no ten million accounts: under two minutes")
    parser.add_argument("--only", metavar="SCENE,...", default=",".join(SCENES), help=f"of {', '.join(SCENES)}")
    args = parser.parse_args()
    args.scenes = args.only.split(",")
    if unknown := set(args.scenes) - set(SCENES):
        parser.error(f"no scene {', '.join(unknown)}")
    return args


def main():
    args = parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: two cores are needed, one for the server and one for the client")
    os.sched_setaffinity(0, {int(lab.CLIENT_CORES)})
    pace = QUICK if args.quick else FULL
    begin = time.monotonic()
    found = []
    lab.PROGRAMS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=lab.PROGRAMS, prefix="lab-") as folder:
        bench = Bench(folder, pace)
        for name in args.scenes:
            bench.enter(name)
            found.append(SCENES[name].measure(bench))
            print(report.text(found[-1]), flush=True)
    print(report.targets(found))
    is_whole = not args.quick and args.scenes == list(SCENES)
    path = report.write(found, lab.ROOT / "docs" if is_whole else lab.PROGRAMS,
                        "make bench" if is_whole else "bench.py " + " ".join(sys.argv[1:]))
    print(f"\nMeasured in {time.monotonic() - begin:.0f} s; written to {path}")


if __name__ == "__main__":
    try:
        main()
    except lab.BenchFailed as failure:
        sys.exit(f"bench: {failure}")
