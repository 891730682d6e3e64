# SPDX-License-Identifier: MIT
"""Proves that the etcd the chart brings along forms a cluster: three of Debian's etcd, started as the rendered pods start
theirs. Names of pods become addresses of loopback; each member's ports are free ones.
"""
import contextlib
import re
import subprocess

import pytest
import requests

from acmezone import clean_environment, free_port, wait_until


class Member:
    """One member, as its pod starts it."""

    def __init__(self, pods, i, ports, folder):
        self.name, _, spec = pods[i]
        self.container, = spec["containers"]
        self.ports = ports[i]
        self.process = None
        self.log = folder / f"{self.name}.log"
        names = {pod[0]: own for pod, own in zip(pods, ports)}

        def address(match):
            own = self.ports if match[1] == "0.0.0.0" else names[match[1].partition(".")[0]]
            return f"http://127.0.0.1:{own[int(match[2])]}"

        mount, = self.container["volumeMounts"]
        args = [arg.replace("$(POD_NAME)", self.name).replace(mount["mountPath"], str(folder / self.name))
                for arg in self.container["args"]]
        self.args = [re.sub(r"http://([\w.-]+):(\d+)", address, arg) for arg in args]

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["etcd", *self.args], stdout=log, stderr=log, env=clean_environment())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def probe(self, kind):
        """Whether the kubelet would be content."""
        action = self.container[f"{kind}Probe"]["httpGet"]
        port = next(port["containerPort"] for port in self.container["ports"] if port["name"] == action["port"])
        try:
            return requests.get(f"http://127.0.0.1:{self.ports[port]}{action['path']}", timeout=15).status_code == 200
        except requests.ConnectionError:
            return False


@contextlib.contextmanager
def members(release, folder):
    """The members of a release, started, each with a folder for its volume."""
    pods = [pod for pod in release.pods() if pod[1]["app.kubernetes.io/component"] == "etcd"]
    ports = [{port: free_port() for port in (2379, 2380, 2381)} for _ in pods]
    all_ = [Member(pods, i, ports, folder) for i in range(len(pods))]
    try:
        for member in all_:
            (folder / member.name).mkdir()
            member.start()
        yield all_
    finally:
        for member in all_:
            if member.process:
                member.kill()


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
