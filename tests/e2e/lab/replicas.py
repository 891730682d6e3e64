# SPDX-License-Identifier: MIT
"""Several servers that share one etcd, and clients that hold them to their word.

What is acknowledged must be there: `Witness.update` asks for a change at one replica and, the moment it is
acknowledged, reads it from all. A replica that the test has killed, hung or cut off is excused until it says that it is in
step again; but never, excused or not, may it show something older than it has shown before.
"""

import threading

import dns.exception
import dns.message
import dns.query
import requests

from acmezone import CHEAP_ARGON2, Acmezone, wait_until

QUICK = {"lease_s": 2}  # the shortest that etcd grants with its usual election time-out
READ_S = 5
EXCUSED_READ_S = 0.1  # of one that may not answer at all


class Replica(Acmezone):
    """One of several servers."""

    excused = 0  # how often it was; odd: it is

    def status(self):
        """What /ready says of the replica, or {} when it does not answer."""
        try:
            checks = self.http.get(f"{self.api}/ready", timeout=READ_S).json()["checks"]
        except requests.RequestException:
            return {}
        return next(check for check in checks if check["name"] == "replica")

    def is_in_step(self):
        return self.status().get("state") == "in_step"

    def wait_in_step(self, deadline_s=20):
        wait_until(self.is_in_step, lambda: f"{self.tmp_path.name} does not get in step\n{self.report()}", deadline_s)

    def excuse(self):
        """From now on nothing is expected of it."""
        if not self.excused % 2:
            self.excused += 1

    def expect(self, deadline_s=20):
        """It must get in step, and from then on everything is expected of it again."""
        self.wait_in_step(deadline_s)
        if self.excused % 2:
            self.excused += 1

    def serial(self):
        return self.query("auth.example.org", "SOA").answer[0][0].serial

    def cluster_events(self, name):
        return [event for event in self.events if event["event"] == f"cluster.{name}"]


def replica(folder, etcd, endpoints=None, database=None, general=None, api=None, expects_errors=False, warns=False):
    """A replica with its folder and copy below `folder`, not yet started."""
    folder.mkdir(exist_ok=True)
    options = {"engine": "etcd", "connection": endpoints or etcd.endpoints, "path": str(folder / "copy"),
               "prefix": "/" + folder.parent.name, "replica_id": folder.name, **QUICK, **(database or {})}
    return Replica(folder, database=options, general=general, api={**CHEAP_ARGON2, **(api or {})}, logconfig={"loglevel": "debug"},
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


class Witness:
    """An account and what was seen of it. Values are numbers, each larger than the one before. One thread uses it."""

    numbers = iter(range(1, 10**9))
    lock = threading.Lock()

    def __init__(self, replicas):
        self.replicas = replicas
        self.account = replicas[0].register()
        self.acknowledged = 0
        self.seen = {}
        self.n_acknowledged = 0
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
        """Expects the acknowledged value at a replica, unless it is or was excused meanwhile."""
        excused = one.excused
        try:
            answer = self.numbers_at(one, EXCUSED_READ_S if excused % 2 else READ_S)
        except (dns.exception.DNSException, OSError):
            assert excused % 2 or one.excused != excused, f"{one.tmp_path.name} does not answer\n{one.report()}"
            return
        if excused % 2 == 0 and one.excused == excused:
            assert self.acknowledged in answer, \
                f"{self.acknowledged} was acknowledged; {one.tmp_path.name} answers {answer}\n{one.report()}"

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


def expect_identical(replicas, witnesses):
    """All replicas are in step, give the same serial and the same values, and nothing acknowledged is missing."""
    for one in replicas:
        one.expect()
    wait_until(lambda: len({one.serial() for one in replicas}) == 1,
               lambda: f"serials {[one.serial() for one in replicas]}")
    for witness in witnesses:
        answers = [sorted(witness.numbers_at(one)) for one in replicas]
        assert answers.count(answers[0]) == len(answers), f"values differ: {answers}"
        assert witness.acknowledged in (0, *answers[0]), f"{witness.acknowledged} is lost: {answers[0]}"
