# SPDX-License-Identifier: MIT
"""Several replicas on a real etcd while things break: members and replicas killed and hung, the leader lost again and
again, a replica cut off, the majority gone, a backup restored, everything lost. What was acknowledged is never missing and
never followed by something older; what cannot be acknowledged is refused in time; and all of it heals by itself."""

import itertools
import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.edns
import dns.rcode
import pytest

from acmezone import wait_until
from lab.etcd import Etcd
from lab.proxy import Proxies
from lab.replicas import QUICK, STEP_S, Replicas, Witness, expect_identical, replica

N_ACKNOWLEDGED = 1000
N_WRITERS = 6
IN_TIME_S = 6  # two seconds are promised; a busy machine may take some more
PROGRESS_S = 120


@pytest.fixture(name="etcd")
def fixture_etcd():
    """A cluster of the test's own."""
    with Etcd() as running:
        yield running


def seconds(action):
    """(what it returned, how long it took)."""
    started = time.monotonic()
    result = action()
    return result, time.monotonic() - started


class Writers:
    """Threads that update and read without end, each its own account, each time at the next replica."""

    def __init__(self, replicas):
        self.replicas = replicas
        self.witnesses = [Witness(replicas) for _ in range(N_WRITERS)]
        self.failures = []
        self.is_stopping = False
        self.threads = [threading.Thread(target=self._work, args=(i,), daemon=True) for i in range(N_WRITERS)]

    def _work(self, nth):
        try:
            for turn in itertools.count(nth):
                if self.is_stopping:
                    return
                if not self.witnesses[nth].update(self.replicas[turn % len(self.replicas)]):
                    time.sleep(0.01)
        except BaseException as error:  # told by the test's thread
            self.failures.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.is_stopping = True
        for thread in self.threads:
            thread.join()
        if kind is None:
            self.judge()

    def judge(self):
        assert not self.failures, self.failures[0]

    @property
    def n_acknowledged(self):
        return sum(witness.n_acknowledged for witness in self.witnesses)

    @property
    def n_held(self):
        return sum(witness.n_held for witness in self.witnesses)

    @property
    def refusals(self):
        return [word for witness in self.witnesses for word in witness.refusals]

    def wait_progress(self, n=20, deadline_s=PROGRESS_S):
        """Until so many more were acknowledged."""
        wanted = self.n_acknowledged + n

        def is_done():
            self.judge()
            return self.n_acknowledged >= wanted

        wait_until(is_done, lambda: f"{self.n_acknowledged} of {wanted}; {self.refusals[-5:]}", deadline_s)


# One thing after another breaks under load

def kill_a_follower(etcd, _replicas, writers):
    member = etcd.followers()[0]
    member.kill()
    writers.wait_progress()
    member.start()
    member.wait_up()


def kill_the_leader(etcd, _replicas, writers):
    member = etcd.leader()
    member.kill()
    writers.wait_progress()
    member.start()
    member.wait_up()


def hang_the_leader(etcd, _replicas, writers):
    member = etcd.leader()
    member.pause()
    writers.wait_progress()
    member.resume()
    member.wait_up()


def hang_a_follower(etcd, _replicas, writers):
    member = etcd.followers()[0]
    member.pause()
    writers.wait_progress()
    member.resume()
    member.wait_up()


def kill_a_replica(_etcd, replicas, writers):
    replicas[0].excuse()
    replicas[0].kill()
    writers.wait_progress()
    replicas[0].start()
    replicas[0].expect()


def hang_a_replica(_etcd, replicas, writers):
    replicas[1].excuse()
    replicas[1].signal(signal.SIGSTOP)
    writers.wait_progress()  # which takes until its lease has ended
    replicas[1].signal(signal.SIGCONT)
    replicas[1].expect()


def stop_a_replica_and_compact(etcd, replicas, writers):
    replicas[2].excuse()
    assert replicas[2].stop() == 0
    writers.wait_progress()
    etcd.compact()
    writers.wait_progress(5)
    replicas[2].start()
    replicas[2].expect()
    assert replicas[2].counters()["cluster_loads"] >= 1


FAULTS = [kill_a_follower, kill_the_leader, hang_a_follower, hang_a_replica, kill_the_leader, kill_a_replica,
          hang_the_leader, stop_a_replica_and_compact, kill_the_leader]


def test_a_thousand_acknowledged_updates_are_read_from_all_replicas_while_everything_breaks(tmp_path, etcd):
    with Replicas(tmp_path, etcd, database=QUICK) as replicas:
        with Writers(replicas) as writers:
            for fault in FAULTS:
                fault(etcd, replicas, writers)
                writers.wait_progress()
            writers.wait_progress(max(0, N_ACKNOWLEDGED - writers.n_acknowledged))
        assert writers.n_acknowledged >= N_ACKNOWLEDGED
        assert writers.n_held > N_ACKNOWLEDGED, "that many reads were of replicas that were in step"
        assert set(writers.refusals) <= {"store_unreachable", "not_on_all_replicas", "ConnectionError", "ReadTimeout"}
        expect_identical(replicas, writers.witnesses)


def test_leases_that_are_taken_from_live_replicas_make_nobody_show_something_old(tmp_path, etcd):
    """A leader that was hung and wakes up does that: etcd 3.4.23 lets it revoke what had ended on its own clock alone."""
    with Replicas(tmp_path, etcd, database=QUICK) as replicas:
        with Writers(replicas) as writers:
            for _ in range(20):
                writers.wait_progress(5)
                for lease in etcd.ctl("lease", "list").splitlines()[1:]:
                    etcd.run_ctl("lease", "revoke", lease)
        assert sum(one.counters()["cluster_leases_lost"] for one in replicas) >= 20
        expect_identical(replicas, writers.witnesses)


# A member

def connected_member(etcd, one):
    """The member that a replica has its session with."""
    endpoint = [event for event in one.cluster_events("state") if event["to"] == "in_step"][-1]["endpoint"]
    return next(member for member in etcd.members if member.endpoint == endpoint)


@pytest.mark.parametrize("breaks", ["kill", "pause"])
def test_when_its_member_goes_a_replica_goes_on_with_another(tmp_path, etcd, breaks):
    with Replicas(tmp_path, etcd, n=1, database=QUICK) as (one,):
        witness = Witness([one])
        member = connected_member(etcd, one)
        if member.is_leader():  # an election takes longer; that is another test
            etcd.ctl("move-leader", member_id(etcd, etcd.followers()[0]), endpoints=member.endpoint)
        getattr(member, breaks)()
        witness.until_acknowledged(one)
        assert connected_member(etcd, one) is not member
        if breaks == "pause":
            member.resume()


def member_id(etcd, member):
    line = next(line for line in etcd.ctl("member", "list").splitlines() if member.name in line)
    return line.split(",")[0]


def test_a_lost_leader_holds_updates_up_until_there_is_another(tmp_path, etcd):
    with Replicas(tmp_path, etcd, database=QUICK) as replicas:
        witness = Witness(replicas)
        for _ in range(2):
            leader = etcd.leader()
            leader.kill()
            witness.until_acknowledged(replicas[0])
            leader.start()
            leader.wait_up()
        expect_identical(replicas, [witness])


# A replica

def test_a_replica_that_is_cut_off_holds_others_up_until_its_lease_ends_and_heals_by_itself(tmp_path, etcd):
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            Replicas(tmp_path, etcd, n=2, database=QUICK) as replicas, \
            replica(tmp_path / "far", etcd, endpoints=proxies.endpoints, database={**QUICK, "stale_s": 4}) as far:
        everybody = [*replicas, far]
        witness = Witness(everybody)
        witness.until_acknowledged(far)
        far.excuse()
        proxies.cut()
        witness.until_acknowledged(replicas[0])
        answer, took_s = seconds(lambda: far.http.post(f"{far.api}/register"))
        assert (answer.status_code, answer.json()) == (503, {"error": "store_unreachable"})
        assert took_s < IN_TIME_S
        assert far.http.get(f"{far.api}/health").status_code == 200
        wait_until(lambda: far.http.get(f"{far.api}/ready").status_code == 503, "stale_s is over and it is still ready")
        assert far.status()["ready"] is False and far.status()["state"] != "in_step"
        assert witness.numbers_at(far), "it still answers"
        proxies.heal()
        far.expect()
        assert far.http.get(f"{far.api}/ready").status_code == 200
        witness.until_acknowledged(replicas[1])
        expect_identical(everybody, [witness])


def test_a_replica_that_was_hung_does_not_take_itself_for_live_when_it_wakes_up(tmp_path, etcd):
    with Replicas(tmp_path, etcd, n=2, database=QUICK) as replicas:
        witness = Witness(replicas)
        for _ in range(3):
            replicas[1].excuse()
            replicas[1].signal(signal.SIGSTOP)
            witness.until_acknowledged(replicas[0])
            with ThreadPoolExecutor() as pool:
                claim = pool.submit(replicas[1].is_in_step, STEP_S)  # the question is there when it wakes up
                wait_until(lambda: has_unread_bytes(replicas[1]), "the question has not come")
                replicas[1].signal(signal.SIGCONT)
                assert not claim.result() or witness.acknowledged in witness.numbers_at(replicas[1])
            replicas[1].expect()
            witness.read(replicas[1])


def has_unread_bytes(one):
    """Whether something waits at the API's sockets."""
    port = f":{int(one.api.rpartition(':')[2]):04X}"
    rows = [row.split() for row in Path(f"/proc/{one.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return any(row[1].endswith(port) and row[3] == "01" and row[4].split(":")[1] != "00000000" for row in rows)


def take_lease(etcd, one):
    """What a leader of etcd 3.4.23 does that was hung and wakes up: it takes a lease that the replica has renewed."""
    (key,) = [key for key in etcd.keys(f"/{one.tmp_path.parent.name}/live/{one.tmp_path.name}-") if not key.endswith("/mark")]
    (entry,) = json.loads(etcd.ctl("get", key, "-w", "json"))["kvs"]
    etcd.ctl("lease", "revoke", f"{entry['lease']:x}")


# Its calls take long to be given up, and its lease is long, so it is for seconds that it cannot know.
DEAF = {"request_ms": 5000, "lease_s": 10, "barrier_s": 60}


def test_a_replica_that_cannot_know_that_its_lease_was_taken_is_waited_for_as_long_as_it_takes_itself_for_live(tmp_path, etcd):
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            Replicas(tmp_path, etcd, n=2, database=DEAF) as replicas, \
            replica(tmp_path / "far", etcd, endpoints=proxies.endpoints, database=DEAF) as far:
        witness = Witness([*replicas, far])
        witness.until_acknowledged(far)
        proxies.cut()
        take_lease(etcd, far)
        assert far.is_in_step(), "it cannot know"
        witness.until_acknowledged(replicas[0])
        assert not far.is_in_step()
        proxies.heal()
        expect_identical([*replicas, far], [witness])


def test_a_replica_that_begins_waits_for_who_has_gone_without_a_word_shortly_before(tmp_path, etcd):
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            replica(tmp_path / "far", etcd, endpoints=proxies.endpoints, database=DEAF) as far:
        witness = Witness([far])
        witness.until_acknowledged(far)
        proxies.cut()
        take_lease(etcd, far)
        with replica(tmp_path / "new", etcd, database=DEAF) as new:
            assert new.is_in_step() and far.is_in_step()
            witness.replicas.append(new)
            witness.until_acknowledged(new)
            assert not far.is_in_step()
            proxies.heal()
            expect_identical([far, new], [witness])


def test_a_change_whose_answer_is_lost_is_made_once_and_acknowledged(tmp_path, etcd):
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            replica(tmp_path / "deaf", etcd, endpoints=proxies.endpoints, database={"request_ms": 4000}) as deaf:
        first = deaf.register()
        assert deaf.update(first, "a" * 43).status_code == 200
        proxies.deafen()
        second = deaf.register()
        proxies.deafen()
        assert deaf.update(first, "b" * 43).status_code == 200
        assert deaf.txt(first["fulldomain"]) == ["a" * 43, "b" * 43]
        assert deaf.query(second["fulldomain"]).rcode() == dns.rcode.NOERROR
        assert len(etcd.keys(f"/{tmp_path.name}/data/account/")) == 2
        assert deaf.counters()["cluster_endpoint_failures"] >= 2


def test_a_replica_with_a_full_disk_holds_others_up_for_one_lease_and_heals_with_room(tmp_path, etcd):
    with Replicas(tmp_path, etcd, n=2, database=QUICK) as replicas, \
            replica(tmp_path / "small", etcd, database={**QUICK, "map_size": "1MiB"}, expects_errors=True) as small:
        everybody = [*replicas, small]
        witness = Witness(everybody)
        witness.until_acknowledged(small)
        small.excuse()
        names = [f"/{tmp_path.name}/data/value/name-{i:03}" for i in range(300)]
        etcd.put_many((name, b"x" * 4000) for name in names[:100])
        etcd.put_many((name, b"x" * 4000) for name in names[100:200])
        etcd.put_many((name, b"x" * 4000) for name in names[200:])
        small.wait_event("store.commit_failed")
        for one in replicas:
            witness.until_acknowledged(one)
        assert small.http.get(f"{small.api}/ready").status_code == 503
        wait_until(lambda: small.status().get("why") == "the copy cannot be written", small.report)
        assert witness.numbers_at(small), "it answers what it has"
        etcd.ctl("del", "--prefix", f"/{tmp_path.name}/data/value/name-")
        small.expect()
        witness.until_acknowledged(small)
        expect_identical(everybody, [witness])


def test_a_stale_replica_may_be_told_to_say_servfail(tmp_path, etcd):
    """With "Invalid Data" (RFC 8914 4.25): the zone's data is too old. What is static is answered."""
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            replica(tmp_path / "far", etcd, endpoints=proxies.endpoints,
                    database={**QUICK, "stale_s": 5, "stale_answers": "servfail"}) as far:
        account = Witness([far]).account
        proxies.cut()
        assert far.query(account["fulldomain"]).rcode() == dns.rcode.NOERROR
        wait_until(lambda: far.query(account["fulldomain"]).rcode() == dns.rcode.SERVFAIL, "it gets stale")
        answer = far.query(account["fulldomain"], use_edns=0)
        assert [option.code for option in answer.options] == [dns.edns.EDECode.INVALID_DATA]
        assert far.query("auth.example.org", "A").rcode() == dns.rcode.NOERROR
        proxies.heal()
        wait_until(lambda: far.query(account["fulldomain"]).rcode() == dns.rcode.NOERROR, "it heals", STEP_S)


# The majority

def test_without_a_majority_dns_goes_on_updates_are_refused_in_time_and_all_heals(tmp_path, etcd):
    with Replicas(tmp_path, etcd, database={**QUICK, "stale_s": 5}) as replicas:
        witness = Witness(replicas)
        witness.until_acknowledged(replicas[0])
        lost = etcd.followers()
        for member in lost:
            member.kill()
        for one in replicas:
            answer, took_s = seconds(lambda one=one: one.update(witness.account, "x" * 43))
            assert (answer.status_code, answer.json()["error"]) == (503, "store_unreachable")
            assert answer.headers["Retry-After"] == "1"
            assert took_s < IN_TIME_S
            assert one.http.get(f"{one.api}/health").status_code == 200
            wait_until(lambda one=one: one.status().get("state") != "in_step", one.report)
            assert "etcd" in one.status()["why"]
            assert witness.acknowledged in witness.numbers_at(one)
        for one in replicas:
            wait_until(lambda one=one: one.http.get(f"{one.api}/ready").status_code == 503, "stale_s is over and it is still ready")
        for member in lost:
            member.start()
        for one in replicas:
            one.wait_in_step()
            assert one.http.get(f"{one.api}/ready").status_code == 200
        witness.until_acknowledged(replicas[0])
        expect_identical(replicas, [witness])


# Its data

def test_a_restored_backup_replaces_what_the_replicas_have(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness, young = Witness(replicas), None
        assert witness.update(replicas[0])
        backup = etcd.backup()
        then = witness.acknowledged
        young = replicas[0].register()
        assert witness.update(replicas[0])
        for one in replicas:
            one.excuse()
        etcd.restore(backup)
        for one in replicas:
            wait_until(lambda one=one: [event for event in one.cluster_events("loading")
                                        if event["reason"] == "etcd is another cluster than the copy's"], one.report, STEP_S)
            one.expect()
            assert one.query(young["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
        witness.acknowledged, witness.seen = then, {}
        expect_identical(replicas, [witness])
        assert witness.update(replicas[1])


def test_an_etcd_that_has_lost_everything_is_not_obeyed(tmp_path, etcd):
    """Not even when a new replica has begun to fill it again."""
    with Replicas(tmp_path, etcd, n=2, expects_errors=True) as replicas:
        witness = Witness(replicas)
        assert witness.update(replicas[0])
        etcd.lose_everything()
        for one in replicas:
            one.wait_event("cluster.refused")
        with replica(tmp_path / "new", etcd) as new:
            new.wait_in_step()
            fresh = new.register()
            n = [len(one.cluster_events("loading")) for one in replicas]
            for i, one in enumerate(replicas):
                one.wait_event("cluster.loading", n[i] + 2)
                wait_until(lambda one=one: one.status().get("why") == "etcd has lost its data", one.report)
                assert witness.acknowledged in witness.numbers_at(one)
                assert one.query(fresh["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
                assert len(one.events_named("cluster.refused")) < len(one.cluster_events("loading")), "it is not said each time"


def test_an_etcd_that_is_full_refuses_updates_and_nothing_else(tmp_path):
    with Etcd(n_members=1, options=["--quota-backend-bytes", str(4 << 20)]) as etcd, \
            Replicas(tmp_path, etcd, n=2, expects_errors=True) as replicas:
        witness = Witness(replicas)
        assert witness.update(replicas[0])
        while etcd.run_ctl("put", "/other/junk", "x" * 100000).returncode == 0:
            pass
        answer = replicas[1].update(witness.account, "x" * 43)
        assert (answer.status_code, answer.json()["error"]) == (503, "db_error")
        for one in replicas:
            one.wait_in_step()
            assert witness.acknowledged in witness.numbers_at(one)
        etcd.ctl("del", "/other/junk")
        etcd.compact()
        etcd.ctl("defrag")
        etcd.ctl("alarm", "disarm")
        witness.until_acknowledged(replicas[1])
