# SPDX-License-Identifier: MIT
"""Proves that what the chart renders makes a server run: config, environment, secrets, command line and probes are taken
from the rendered pod, and only paths, addresses and ports are bent to this machine.

The pod of `helm test` is run too, with Debian's busybox for its image.
"""
import re
import shutil
import subprocess

import dns.rdatatype
import pytest
import requests

from certificates import Authority
from chart import SETS, Release, notes
from pods import environment, probe, serve


def records(text):
    """The records among lines of text, as (owner, type, value)."""
    return {(owner.lower(), kind, value.lower())
            for owner, kind, value in re.findall(r"^ *(\S+\.) (NS|A|AAAA) (\S+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("name", ["minimal", "single"])
def test_rendered_config_is_sound_as_it_is(name, releases, program, tmp_path):
    (tmp_path / "config.cfg").write_text(releases[name].config())
    done = subprocess.run([program, "config", "--check", "-c", tmp_path / "config.cfg"], capture_output=True, text=True,
                          env=environment(releases[name], releases[name].server()[1], "acme-acmezone-0"), check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["minimal", "single"])
def test_rendered_pod_serves_and_passes_its_probes(name, releases, tmp_path):
    with serve(releases[name], tmp_path) as server:
        _, container = releases[name].server()
        assert {kind: probe(server, container, kind) for kind in ("startup", "liveness", "readiness")} == {
            "startup": 200, "liveness": 200, "readiness": 200}


def test_tokens_of_the_secret_guard_registration(releases, tmp_path):
    with serve(releases["single"], tmp_path) as server:
        def register(token):
            return requests.post(f"{server.api}/register", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code
        tokens = releases["single"].secret("acme-acmezone", "registration-tokens").split(",")
        assert [register(token.partition(":")[2]) for token in tokens] == [201, 201]
        assert requests.post(f"{server.api}/register", timeout=10).status_code == 401


def test_records_the_notes_ask_for_are_the_ones_the_zone_has(releases, tmp_path):
    wanted = records(notes("-f", SETS["single"]))
    assert len(wanted) == 5
    with serve(releases["single"], tmp_path) as server:
        served = set()
        for owner, kind in {(owner, kind) for owner, kind, _ in wanted}:
            answer = server.query(owner, kind).answer
            served |= records("\n".join(f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
                                        for rrset in answer for rdata in rrset))
    assert served == wanted


def test_texts_survive_the_way_from_values_to_dns(releases, tmp_path):
    with serve(releases["single"], tmp_path) as server:
        assert server.txt("auth.example.org.") == ['a "quoted" text; with <every> & kind of mark']


def test_with_a_certificate_the_probes_speak_https(tools, tmp_path):
    release = Release("-f", SETS["minimal"], "--set", "api.tls.existingSecret=acmezone-api-tls")
    authority = Authority(tmp_path / "authority")
    chain, key, _ = authority.issue()
    files = {"ACMEZONE_API_TLS_CERT_FULLCHAIN": ("tls.crt", chain), "ACMEZONE_API_TLS_CERT_PRIVKEY": ("tls.key", key)}
    for name, text in files.values():
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    with serve(release, tmp_path, **{key: str(tmp_path / name) for key, (name, _) in files.items()}) as server:
        _, container = release.server()
        assert [probe(server, container, kind, authority.root) for kind in ("startup", "liveness", "readiness")] == [200] * 3
        assert run_test_pod(release, server, tmp_path).returncode == 0


def run_test_pod(release, server, tmp_path):
    """Runs the command of the test pod, with the server's addresses for the Services' names."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    for name in ("sh", "wget", "nslookup"):
        if not (tools / name).exists():
            (tools / name).symlink_to(shutil.which("busybox"))
    pod, = release.all("Pod")
    container, = pod["spec"]["containers"]
    script, = container["args"]
    api = next(item for item in release.all("Service") if item["metadata"]["name"].endswith("-api"))
    udp = next(item for item in release.all("Service") for port in item["spec"]["ports"] if port.get("protocol") == "UDP")
    for name, address in ((f"{api['metadata']['name']}:{api['spec']['ports'][0]['port']}", server.api.partition("//")[2]),
                          (f" {udp['metadata']['name']}\n", f" {server.dns[0]}:{server.dns[1]}\n")):
        assert script.count(name) == 1
        script = script.replace(name, address)
    return subprocess.run([tools / "sh", *container["command"][1:], script], env={"PATH": str(tools)}, capture_output=True,
                          text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["minimal", "single"])
def test_test_pod_finds_a_server_that_serves(name, releases, tmp_path):
    with serve(releases[name], tmp_path) as server:
        done = run_test_pod(releases[name], server, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ready": true' in done.stdout.replace('":true', '": true') and "origin = " in done.stdout


def test_test_pod_fails_when_dns_serves_another_zone(releases, tmp_path):
    with serve(releases["minimal"], tmp_path, ACMEZONE_GENERAL_DOMAIN="elsewhere.example") as server:
        done = run_test_pod(releases["minimal"], server, tmp_path)
    assert done.returncode != 0 and "REFUSED" in done.stdout


def test_test_pod_fails_when_the_api_is_gone(releases, tmp_path):
    with serve(releases["minimal"], tmp_path) as server:
        pass
    assert run_test_pod(releases["minimal"], server, tmp_path).returncode != 0
