# SPDX-License-Identifier: MIT
"""Several replicas on a real etcd in good health: what one acknowledges, all serve; what one knows, it keeps."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dns.edns
import dns.flags
import dns.rcode
import pytest

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config
from lab.etcd import Etcd
from lab.proxy import Proxies
from lab.replicas import (CALM, QUICK, STEP_S, Replicas, Witness, expect_identical, expect_never_out_of_step, replica)


IN_TIME_S = 6  # two seconds are promised; a busy machine may take some more


@pytest.fixture(scope="module", name="etcd")
def fixture_etcd():
    """One cluster for the tests that do it no harm; each has a prefix of its own."""
    with Etcd() as running:
        yield running


def test_what_is_acknowledged_is_served_by_all_replicas_at_once(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness = Witness(replicas)
        for i in range(100):
            assert witness.update(replicas[i % 3])
        expect_never_out_of_step(replicas)
        expect_identical(replicas, [witness])


def test_an_account_of_one_replica_is_good_at_the_others(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        account = replicas[0].register(allowfrom=["127.0.0.0/8"])
        for one in replicas:
            assert one.query(account["fulldomain"]).rcode() == dns.rcode.NOERROR
            assert one.update(account, "x" * 43).status_code == 200
            assert one.update({**account, "password": "p" * 40}, "x" * 43).status_code == 401


def test_many_clients_cost_few_transactions_and_announcements(tmp_path, etcd):
    """While etcd cannot be heard, eight changes gather at each of three replicas: the first is on its way, the others wait.
    So each replica needs two transactions, and says at most once for each foreign one that it has it."""
    n = 8
    with Proxies([(member.host, member.port) for member in etcd.members]) as proxies, \
            Replicas(tmp_path, etcd, endpoints=proxies.endpoints) as replicas:
        witnesses = [[Witness(replicas) for _ in range(n)] for _ in replicas]
        for one, mine in zip(replicas, witnesses):
            for witness in mine:
                assert witness.update(one), "from now on the password is known there"
        before = [one.counters() for one in replicas]
        grown = lambda i, name: replicas[i].counters()[name] - before[i][name]
        proxies.cut()
        with ThreadPoolExecutor(len(replicas) * n) as pool:
            updates = [pool.submit(witness.update, one) for one, mine in zip(replicas, witnesses) for witness in mine]
            wait_until(lambda: all(grown(i, "credential_hits") == n for i in range(3)), "they have not all come in")
            proxies.heal()
            assert all(update.result() for update in updates)
        for i in range(3):
            assert (grown(i, "updates"), grown(i, "changes")) == (n, n)
            assert grown(i, "cluster_transactions") <= 2
            assert grown(i, "cluster_announcements") <= 2 * 2
        expect_never_out_of_step(replicas)
        expect_identical(replicas, sum(witnesses, []))


def test_updates_of_one_subdomain_at_all_replicas_at_once_all_count(tmp_path, etcd):
    """They compare with what is stored, so none overwrites another unseen."""
    with Replicas(tmp_path, etcd, general={"txt_values": 9}) as replicas:
        account = replicas[0].register()
        answers = []
        threads = [threading.Thread(target=lambda i=i: answers.append(replicas[i % 3].update(account, str(i) * 43)))
                   for i in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 9
        for one in replicas:
            assert one.txt(account["fulldomain"], tcp=True) == [str(i) * 43 for i in range(9)]


def test_a_restart_goes_on_from_the_copy(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness = Witness(replicas)
        assert witness.update(replicas[0])
        replicas[1].excuse()
        assert replicas[1].stop() == 0
        assert witness.update(replicas[0])
        replicas[1].start()
        assert replicas[1].is_in_step(), "it is in step before it serves"
        replicas[1].expect()
        assert replicas[1].counters()["cluster_loads"] == 0
        assert witness.update(replicas[2])
        expect_identical(replicas, [witness])


def test_a_replica_that_missed_a_compaction_takes_a_snapshot_and_drops_what_is_gone(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness, gone = Witness(replicas), replicas[0].register()
        replicas[1].excuse()
        assert replicas[1].stop() == 0
        assert witness.update(replicas[0])
        etcd.ctl("del", f"/{tmp_path.name}/data/value/{gone['subdomain']}")
        assert witness.update(replicas[0])
        etcd.compact()
        replicas[1].start()
        replicas[1].expect()
        counters = replicas[1].counters()
        assert (counters["cluster_compactions"], counters["cluster_loads"]) == (1, 1)
        for one in replicas:
            assert one.query(gone["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
        assert witness.update(replicas[2])
        expect_identical(replicas, [witness])


def test_a_big_snapshot_comes_in_pages(tmp_path, etcd):
    """Values of other accounts, put into etcd as one transaction each; 1,700 is more than three pages."""
    with Replicas(tmp_path, etcd, n=1) as (first,):
        account = first.register()
        key = f"/{tmp_path.name}/data/value/{account['subdomain']}"
        record = etcd.ctl("get", key, "--print-value-only", "--hex").strip()
        value = bytes(int(byte, 16) for byte in record.split("\\x")[1:])
        names = [f"name-{i:04}" for i in range(1700)]
        for at in range(0, len(names), 100):
            etcd.put_many((f"/{tmp_path.name}/data/value/{name}", value) for name in names[at:at + 100])
        wait_until(lambda: first.query(f"{names[-1]}.auth.example.org").rcode() == dns.rcode.NOERROR,
                   "the watch does not show them", STEP_S)
        with replica(tmp_path / "second", etcd) as second:
            assert second.is_in_step()
            (loaded,) = second.cluster_events("loaded")
            assert loaded["records"] == 1703, "those, the account with its own, and the key that dates the data"
            for name in names[::100] + names[-1:]:
                assert second.query(f"{name}.auth.example.org").rcode() == dns.rcode.NOERROR
            assert second.serial() == first.serial()


def test_a_clean_stop_holds_nobody_up(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness = Witness(replicas)
        replicas[2].excuse()
        assert replicas[2].stop() == 0
        started = time.monotonic()
        assert witness.update(replicas[0])
        assert time.monotonic() - started < CALM["lease_s"] / 3
        assert len(etcd.keys(f"/{tmp_path.name}/live/")) == 2 * 2, "a key and a mark each"
        replicas[2].start()
        replicas[2].expect()


def test_a_killed_replica_holds_others_up_until_its_lease_ends(tmp_path, etcd):
    with Replicas(tmp_path, etcd, database={**QUICK, "barrier_s": 60}) as replicas:
        witness = Witness(replicas)
        replicas[2].excuse()
        replicas[2].kill()
        assert witness.until_acknowledged(replicas[0]) > QUICK["lease_s"] / 2
        wait_until(lambda: len(etcd.keys(f"/{tmp_path.name}/live/")) == 2 * 2, "its mark stays")
        replicas[2].start()
        expect_identical(replicas, [witness])


def test_a_killed_replica_that_is_back_gives_back_the_lease_it_had(tmp_path, etcd):
    with Replicas(tmp_path, etcd) as replicas:
        witness = Witness(replicas)
        replicas[2].excuse()
        replicas[2].kill()
        replicas[2].start()
        replicas[2].expect()
        assert witness.until_acknowledged(replicas[0]) < CALM["lease_s"] / 3
        assert len(etcd.keys(f"/{tmp_path.name}/live/")) == 3 * 2, "the old key and its mark are gone"
        expect_identical(replicas, [witness])


def test_the_barrier_has_a_deadline_and_the_retry_is_harmless(tmp_path, etcd):
    with Replicas(tmp_path, etcd, database={"barrier_s": 4}, warns=True) as replicas:
        witness = Witness(replicas)
        replicas[2].excuse()
        replicas[2].kill()
        assert not witness.update(replicas[0])
        assert witness.refusals == ["not_on_all_replicas"]
        assert witness.numbers_at(replicas[1]), "it is stored, and served by those that are there"
        assert replicas[0].http.post(f"{replicas[0].api}/register").json() == {"error": "not_on_all_replicas"}
        replicas[2].start()
        replicas[2].expect()
        witness.until_acknowledged(replicas[0])
        assert replicas[0].counters()["cluster_barrier_timeouts"] >= 2
        expect_identical(replicas, [witness])


def test_prefixes_keep_zones_apart(tmp_path, etcd):
    with replica(tmp_path / "a", etcd, database={"prefix": f"/{tmp_path.name}/a/"}) as a, \
            replica(tmp_path / "b", etcd, database={"prefix": f"/{tmp_path.name}/ab"}) as b:
        account = a.register()
        assert a.query(account["fulldomain"]).rcode() == dns.rcode.NOERROR
        assert b.query(account["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
        assert len(etcd.keys(f"/{tmp_path.name}/a/data/")) == 3


def test_another_prefix_for_the_same_copy_means_a_new_snapshot(tmp_path, etcd):
    with replica(tmp_path / "other", etcd, database={"prefix": f"/{tmp_path.name}/other"}) as other:
        there = other.register()
    folder = tmp_path / "one"
    with replica(folder, etcd) as one:
        here = one.register()
    with replica(folder, etcd, database={"prefix": f"/{tmp_path.name}/other"}) as one:
        assert one.query(there["fulldomain"]).rcode() == dns.rcode.NOERROR
        assert one.query(here["fulldomain"]).rcode() == dns.rcode.NXDOMAIN


def test_a_standalone_store_and_a_copy_are_not_taken_for_each_other(tmp_path, etcd):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        server.register()
    clustered = {"engine": "etcd", "connection": etcd.endpoints, "prefix": f"/{tmp_path.name}"}
    result = run("-c", write_config(tmp_path, database={**clustered, "path": str(tmp_path / "data")}))
    assert result.returncode == 1 and "it is a standalone store" in result.stderr
    with replica(tmp_path / "copy-folder", etcd) as one:
        one.register()
    result = run("-c", write_config(tmp_path, database={"connection": str(tmp_path / "copy-folder/copy")}))
    assert result.returncode == 1 and "copy of what etcd holds" in result.stderr


def test_without_etcd_and_without_a_copy_dns_says_that_it_is_not_ready(tmp_path):
    """SERVFAIL with "Not Ready" (RFC 8914 4.15) for accounts; what is static is answered."""
    with replica(tmp_path / "one", None, endpoints="http://127.0.0.1:1", database=QUICK) as one:
        answer = one.query("d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org", use_edns=0)
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert [option.code for option in answer.options] == [dns.edns.EDECode.NOT_READY]
        assert one.query("auth.example.org", "A").rcode() == dns.rcode.NOERROR
        ready = one.http.get(f"{one.api}/ready")
        assert ready.status_code == 503
        assert one.status()["ready"] is False and one.status()["why"] == "etcd cannot be reached"
        assert one.http.get(f"{one.api}/health").status_code == 200
        started = time.monotonic()
        assert one.http.post(f"{one.api}/register").json() == {"error": "store_unreachable"}
        assert time.monotonic() - started < IN_TIME_S
