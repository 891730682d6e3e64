# SPDX-License-Identifier: MIT
"""Rendered pods as processes of this machine: command line, environment, config, secrets and probes are the pod's; paths,
addresses and ports are bent to loopback and a temporary folder.
"""
import contextlib
import re
import subprocess

import requests

from acmezone import Acmezone, clean_environment, free_port


def environment(release, container, pod):
    """The container's environment, with what it takes from the release's Secret and from its pod."""
    values = {}
    for entry in container.get("env", []):
        source = entry.get("valueFrom", {})
        if "secretKeyRef" in source:
            values[entry["name"]] = release.secret(source["secretKeyRef"]["name"], source["secretKeyRef"]["key"])
        else:
            values[entry["name"]] = pod if "fieldRef" in source else entry["value"]
    return values


def bent(folder):
    """Where this machine has what the pod has elsewhere."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return {"ACMEZONE_GENERAL_LISTEN": "127.0.0.1:0", "ACMEZONE_API_IP": "127.0.0.1", "ACMEZONE_API_PORT": "0",
            "ACMEZONE_METRICS_LISTEN": "127.0.0.1:0", "ACMEZONE_DATABASE_CONNECTION": str(folder)}


def serve(release, tmp_path, pod="acme-acmezone-0", **changes):
    """The server as its pod starts it; `changes` are for the environment."""
    _, container = release.server()
    config = tmp_path / "config.cfg"
    config.write_text(release.config())
    args = [config if arg == "/etc/acmezone/config.cfg" else arg for arg in container["args"]]
    assert config in args
    return Acmezone(tmp_path, config=config, args=args, env=environment(release, container, pod) | bent(tmp_path / "data") | changes)


def probe(server, container, kind, verify=True):
    """What the kubelet would be told."""
    action = container[f"{kind}Probe"]["httpGet"]
    assert action.get("scheme", "HTTP").lower() == server.api.partition(":")[0]
    return requests.get(server.api + action["path"], timeout=10, verify=verify).status_code


class Member:
    """One member of etcd, as its pod starts it."""

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
