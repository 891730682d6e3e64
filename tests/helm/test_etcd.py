# SPDX-License-Identifier: MIT
"""Proves that the etcd the chart brings along forms a cluster: three of Debian's etcd, started as the rendered pods start
theirs. Names of pods become addresses of loopback; each member's ports are free ones.
"""
import pytest

from acmezone import wait_until
from pods import members


@pytest.fixture(name="cluster")
def fixture_cluster(releases, tmp_path):
    with members(releases["bundled-etcd"], tmp_path) as started:
        wait_until(lambda: all(member.probe("readiness") for member in started),
                   lambda: "\n".join(member.log.read_text()[-2000:] for member in started))
        yield started


def test_three_members_become_ready(cluster):
    assert len(cluster) == 3
    assert all(member.probe(kind) for member in cluster for kind in ("startup", "liveness", "readiness"))


def test_without_one_member_the_others_stay_ready_and_it_comes_back(cluster):
    cluster[0].kill()
    wait_until(lambda: all(member.probe("readiness") for member in cluster[1:]), "two members have a quorum")
    assert not cluster[0].probe("readiness")
    cluster[0].start()
    wait_until(lambda: cluster[0].probe("readiness"), "the member rejoins with what is on its volume")


def test_a_member_alone_is_not_ready(cluster):
    for member in cluster[:2]:
        member.kill()
    wait_until(lambda: not cluster[2].probe("readiness"), "one member has no quorum")
