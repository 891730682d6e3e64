# SPDX-License-Identifier: MIT
"""Proves that three replicas, as the chart renders them, share one store through the etcd it brings along: what one of them
acknowledges, all of them serve at once; without etcd they go on answering and say that they take no changes.
"""
import contextlib

import pytest

from acmezone import wait_until
from pods import members, probe, serve

VALUE = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"


@pytest.fixture(name="cluster")
def fixture_cluster(releases, tmp_path):
    """(etcd's members, the replicas)"""
    release = releases["bundled-etcd"]
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(members(release, tmp_path))
        connection = ",".join(f"http://127.0.0.1:{member.ports[2379]}" for member in etcd)
        replicas = []
        for i in range(3):
            folder = tmp_path / f"replica-{i}"
            folder.mkdir()
            replicas.append(stack.enter_context(serve(
                release, folder, f"acme-acmezone-{i}", ACMEZONE_DATABASE_CONNECTION=connection,
                ACMEZONE_DATABASE_PATH=str(folder / "data"))))
        _, container = release.server()
        wait_until(lambda: all(probe(replica, container, "readiness") == 200 for replica in replicas), "all become ready", 60)
        yield etcd, replicas


def until(wanted, ask):
    """The first answer with this status; a busy machine may say 503 before."""

    def is_done():
        answer = ask()
        assert answer.status_code in (wanted, 503), answer.text
        return answer if answer.status_code == wanted else None

    return wait_until(is_done, f"no answer with {wanted}", 60)


def register(releases, replica):
    token = releases["bundled-etcd"].secret("acme-acmezone", "registration-tokens").partition(":")[2]
    headers = {"Authorization": f"Bearer {token}"}
    return until(201, lambda: replica.http.post(f"{replica.api}/register", headers=headers, timeout=20)).json()


def test_what_one_replica_acknowledges_all_serve(cluster, releases):
    _, replicas = cluster
    account = register(releases, replicas[0])
    until(200, lambda: replicas[1].update(account, VALUE))
    assert [replica.txt(account["fulldomain"]) for replica in replicas] == [[VALUE]] * 3


def test_without_etcd_replicas_are_alive_and_answer_but_take_no_changes(cluster, releases):
    etcd, replicas = cluster
    for replica in replicas:
        replica.expects_errors = True
    account = register(releases, replicas[0])
    until(200, lambda: replicas[1].update(account, VALUE))
    for member in etcd:
        member.kill()
    _, container = releases["bundled-etcd"].server()
    refused = replicas[2].update(account, VALUE[::-1])
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    assert [probe(replica, container, "liveness") for replica in replicas] == [200] * 3
    assert [replica.txt(account["fulldomain"]) for replica in replicas] == [[VALUE]] * 3
