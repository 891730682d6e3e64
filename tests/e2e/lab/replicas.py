# SPDX-License-Identifier: MIT
"""Several servers that share one etcd, and clients that hold them to their word.

What is acknowledged must be there: `Witness.update` asks for a change at one replica and, the moment it is
acknowledged, reads it from all. Each replica is taken at its word: if it then says that it is in step, it must have it. Where
nothing breaks, it has to say so all the time (`expect_never_out_of_step`). And never may a replica show something older than it
has shown before.

A machine may be slow and busy. Nothing here depends on how fast something is, but for the two sets of options: CALM has
patience that no machine exhausts, QUICK is for tests in which something breaks, and a change may then be refused.
"""

import threading
import time

import dns.exception
import dns.message
import dns.query
import requests

from acmezone import CHEAP_ARGON2, DEADLINE_S, Acmezone, wait_until

CALM = {"request_ms": 9000, "lease_s": 60, "barrier_s": 90, "stale_s": 120}
QUICK = {"request_ms": 900, "lease_s": 2, "barrier_s": 10, "stale_s": 30}  # the shortest lease that etcd grants
READ_S = 5
STATUS_S = 2
EXCUSED_READ_S = 0.1  # of one that may not answer at all
STEP_S = 60


class Replica(Acmezone):
    """One of several servers."""

    excused = 0  # how often it was; odd: it is

    def status(self, timeout_s=STATUS_S):
        """What /ready says of the replica, or {} when it does not answer."""
        try:
            checks = self.http.get(f"{self.api}/ready", timeout=timeout_s).json()["checks"]
        except requests.RequestException:
            return {}
        return next(check for check in checks if check["name"] == "replica")

    def is_in_step(self, timeout_s=STATUS_S):
        return self.status(timeout_s).get("state") == "in_step"

    def wait_in_step(self, deadline_s=STEP_S):
        wait_until(self.is_in_step, lambda: f"{self.tmp_path.name} does not get in step\n{self.report()}", deadline_s)

    def excuse(self):
        """From now on nothing is expected of it."""
        if not self.excused % 2:
            self.excused += 1

    def expect(self, deadline_s=STEP_S):
        """It must get in step, and from then on everything is expected of it again."""
        self.wait_in_step(deadline_s)
        if self.excused % 2:
            self.excused += 1

    def serial(self):
        return self.query("auth.example.org", "SOA").answer[0][0].serial

    def cluster_events(self, name):
        return [event for event in self.events if event["event"] == f"cluster.{name}"]


def replica(folder, etcd, endpoints=None, database=None, general=None, api=None, expects_errors=False, warns=False):
    """A replica with its folder and copy below `folder`, not yet started. `database` is put over CALM."""
    folder.mkdir(exist_ok=True)
    options = {"engine": "etcd", "connection": endpoints or etcd.endpoints, "path": str(folder / "copy"),
               "prefix": "/" + folder.parent.name, "replica_id": folder.name, **CALM, **(database or {})}
    return Replica(folder, database=options, general=general, api={**CHEAP_ARGON2, **(api or {})},
                   logconfig={"loglevel": "debug"},
                   expects_errors=expects_errors, warns=warns)


class Replicas:
    """Several of them, started together; leaving the block stops them and asserts that they ended well."""

    def __init__(self, tmp_path, etcd, n=3, **options):
        self.all = [replica(tmp_path / f"replica-{i}", etcd, **options) for i in range(n)]

    def __enter__(self):
        for one in self.all:
            one.start()
        for one in self.all:
            one.wait_in_step()
        return self.all

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            for one in self.all:
                print(one.tmp_path.name, one.report())
                if one.process:
                    one.kill()
            return
        for one in self.all:
            one.__exit__(kind, value, traceback)


def try_register(one):
    """A new account, or None when the replica cannot acknowledge it now."""
    answer = one.http.post(f"{one.api}/register", timeout=DEADLINE_S)
    assert answer.status_code in (201, 503), answer.text
    return answer.json() if answer.status_code == 201 else None


class Witness:
    """An account and what was seen of it. Values are numbers, each larger than the one before. One thread uses it."""

    numbers = iter(range(1, 10**9))
    lock = threading.Lock()

    def __init__(self, replicas):
        self.replicas = replicas
        self.account = wait_until(lambda: try_register(replicas[0]), replicas[0].report, STEP_S)
        self.acknowledged = 0
        self.seen = {}
        self.n_acknowledged = 0
        self.n_held = 0  # reads of a replica that said it was in step
        self.refusals = []

    @staticmethod
    def text(number):
        return f"{number:_>43}"

    def numbers_at(self, one, timeout_s=READ_S):
        """What a replica answers; it must not be older than what it has answered before. A value that is no number was refused
        to a test, and may be there all the same: an unconfirmed change may have happened."""
        question = dns.message.make_query(self.account["fulldomain"], "TXT")
        reply = dns.query.udp(question, one.dns[0], port=one.dns[1], timeout=timeout_s)
        texts = [rdata.strings[0].strip(b"_") for rrset in reply.answer for rdata in rrset]
        answer = [int(text) for text in texts if text.isdigit()]
        newest = max(answer, default=0)
        before = self.seen.get(one.tmp_path, 0)
        assert newest >= before, f"{one.tmp_path.name} has shown {before} and shows {answer}\n{one.report()}"
        self.seen[one.tmp_path] = newest
        return answer

    def read(self, one):
        """Expects the acknowledged value at a replica that says it is in step; it is asked after the acknowledgement. One that
        the test has excused is not asked: it may hang."""
        excused = one.excused
        is_in_step = excused % 2 == 0 and one.is_in_step()
        try:
            answer = self.numbers_at(one, EXCUSED_READ_S if excused % 2 else READ_S)
        except (dns.exception.DNSException, OSError):
            assert excused % 2 or one.excused != excused, f"{one.tmp_path.name} does not answer\n{one.report()}"
            return
        assert self.acknowledged in answer or not is_in_step, \
            f"{self.acknowledged} was acknowledged; {one.tmp_path.name} says it is in step and answers {answer}\n{one.report()}"
        self.n_held += is_in_step

    def update(self, at):
        """One change, asked of one replica. True: it was acknowledged, and read from all. One that is excused is not
        asked: as a load balancer would have it, and because a change that it took and hung on to would come late."""
        if at.excused % 2:
            return False
        with self.lock:
            number = next(self.numbers)
        try:
            answer = at.update(self.account, self.text(number))
        except requests.RequestException as error:
            self.refusals.append(type(error).__name__)
            return False
        if answer.status_code != 200:
            assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
            assert answer.headers["Retry-After"] == "1"
            self.refusals.append(answer.json()["error"])
            return False
        self.acknowledged = number
        self.n_acknowledged += 1
        for one in self.replicas:
            self.read(one)
        return True

    def until_acknowledged(self, at, deadline_s=STEP_S):
        """Tries until an update is acknowledged; returns how long that took."""
        started = time.monotonic()
        wait_until(lambda: self.update(at), lambda: f"{self.refusals[-3:]}\n{at.report()}", deadline_s)
        return time.monotonic() - started


def expect_never_out_of_step(replicas):
    """Since their start they have been in step: all that was read from them was read in earnest."""
    for one in replicas:
        assert one.is_in_step(), one.report()
        assert one.counters()["cluster_in_step"] == 1, one.report()


def expect_identical(replicas, witnesses):
    """All replicas are in step, give the same serial and the same values, and nothing acknowledged is missing."""
    for one in replicas:
        one.expect()
    wait_until(lambda: len({one.serial() for one in replicas}) == 1,
               lambda: f"serials {[one.serial() for one in replicas]}", STEP_S)
    for witness in witnesses:
        answers = [sorted(witness.numbers_at(one)) for one in replicas]
        assert answers.count(answers[0]) == len(answers), f"values differ: {answers}"
        assert witness.acknowledged in (0, *answers[0]), f"{witness.acknowledged} is lost: {answers[0]}"
