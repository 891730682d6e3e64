# SPDX-License-Identifier: MIT
"""Proves that Helm 3 and Helm 4 accept the chart, make the same of it as before, and refuse what it cannot do.

What they make of each value set is kept in golden/, to be read in reviews; pytest --rewrite-golden writes it anew.
"""
import pathlib
import re
import subprocess
import sys
import tarfile

import pytest
import yaml

from chart import CHART, HELMS, ROOT, SETS, TOOLS, notes, render, run

GOLDEN = pathlib.Path(__file__).with_name("golden")
MINIMAL = ("-f", SETS["minimal"])
ETCD = ("etcd.endpoints={http://192.0.2.1:2379}",)

# What is set beside the minimal values, and a piece of what Helm must say.
REFUSED = {
    "replicas without a store they share": (["replicaCount=3"], "replicaCount: 3 needs an etcd that the replicas share"),
    "no zone": (["config.general.domain="], "config.general.domain must be given"),
    "an empty list of zones": (["config.general.domain=null"], "config.general.domain must be given"),
    "no image": (["image.repository="], "image.repository must be given"),
    "two kinds of etcd": (["etcd.enabled=true", *ETCD], "set only one of them"),
    "a password for the etcd brought along": (["etcd.enabled=true", "etcd.username=a", "etcd.password=b"],
                                              "has neither passwords nor TLS"),
    "a password for no etcd": (["etcd.username=a", "etcd.password=b"], "no effect without etcd.endpoints"),
    "a user without password": ([*ETCD, "etcd.username=a"], "go together"),
    "a password without user": ([*ETCD, "etcd.password=a"], "go together"),
    "two passwords": ([*ETCD, "etcd.username=a", "etcd.password=b", "etcd.existingSecret=c"], "not both"),
    "http and https mixed": (["etcd.endpoints={http://192.0.2.1:2379,https://192.0.2.2:2379}"], "mixes http and https"),
    "https without a CA": (["etcd.endpoints={https://192.0.2.1:2379}"], "go together"),
    "a CA without https": ([*ETCD, "etcd.tls.existingSecret=a"], "go together"),
    "two sources of tokens": (["registration.existingSecret=a", "registration.tokens.b=0123456789abcdef"], "not both"),
    "two sources of cookies": (["cookies.existingSecret=a", f"cookies.secret={'0a' * 16}"], "not both"),
    "a second cookie secret alone": ([f"cookies.otherSecret={'0a' * 16}"], "no use without"),
    "two sources of a certificate": (["api.tls.existingSecret=a", "api.tls.certificate.enabled=true"], "not both"),
    "a certificate for no name": (["api.tls.certificate.enabled=true"], "needs dnsNames and issuerRef.name"),
    "an Ingress for no host": (["ingress.enabled=true"], "needs ingress.hosts"),
    "a route from nowhere": (["httpRoute.enabled=true"], "needs httpRoute.parentRefs"),
    "a name server too few": ([*ETCD, "replicaCount=2", "dns.service.perReplica.enabled=true",
                               "nameservers[0].name=ns1.example.com"], "nameservers has 1 entries"),
    "a name server inside the zone without address": (["nameservers[0].name=ns1.auth.example.org"], "needs addresses"),
    "less time to stop than to sleep": (["terminationGracePeriodSeconds=10"], "must be more than preStopSleepSeconds"),
}

# What the schema must refuse, and the value it must name.
UNSOUND = {
    "an unknown value": (["replicas=3"], "replicas"),
    "an unknown value further down": (["dns.service.protocol=udp"], "protocol"),
    "an unknown section of options": (["config.dns.x=1"], "dns"),
    "an unknown option": (["config.general.txt_tll=1"], "txt_tll"),
    "an option the chart sets": (["config.general.listen=:53"], "listen"),
    "a secret among the options": (["config.api.registration_tokens=a:0123456789abcdef"], "registration_tokens"),
    "a cookie secret among the options": ([f"config.general.cookie_secret={'0a' * 16}"], "cookie_secret"),
    "a cookie secret too short": (["cookies.secret=0a0b"], "secret"),
    "an option out of range": (["config.general.udp_max_bytes=100"], "udp_max_bytes"),
    "an option of another type": (["config.general.debug=maybe"], "debug"),
    "an unknown word of an option": (["config.logconfig.loglevel=loud"], "loglevel"),
    "no replica": (["replicaCount=0"], "replicaCount"),
    "a replica too many types": (["replicaCount=one"], "replicaCount"),
    "an endpoint without port": (["etcd.endpoints={http://192.0.2.1}"], "endpoints"),
    "an endpoint of another protocol": (["etcd.endpoints={tcp://192.0.2.1:2379}"], "endpoints"),
    "a token too short": (["registration.tokens.shop=short"], "shop"),
    "a token's name with a colon": (["registration.tokens.a:b=0123456789abcdef"], "a:b"),
    "a misspelt policy": (["dns.service.externalTrafficPolicy=Lokal"], "externalTrafficPolicy"),
    "a digest that is none": (["image.digest=latest"], "digest"),
    "an address that is none": (["nameservers[0].name=ns1.example.com", "nameservers[0].addresses={here}"], "addresses"),
}


def settings(pairs):
    return [part for pair in pairs for part in ("--set", pair)]


def compare(name, text, request):
    path = GOLDEN / name
    if request.config.getoption("--rewrite-golden"):
        path.write_text(text)
    assert text == path.read_text(), f"{name} has changed; if that is right, run pytest with --rewrite-golden"


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("name", ["defaults", *SETS])
def test_lint_finds_nothing(helm, name):
    done = run(helm, "lint", "--strict", CHART, *([] if name == "defaults" else ["-f", SETS[name]]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout and "[ERROR]" not in done.stdout


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("name", SETS)
def test_renders_as_before(helm, name, request):
    compare(f"{name}.yaml", render(helm, "-f", SETS[name]), request)


@pytest.mark.parametrize("name", SETS)
def test_notes_are_as_before(name, request):
    compare(f"{name}.txt", notes("-f", SETS[name]), request)


def test_every_golden_file_has_its_value_set():
    assert {path.stem for path in GOLDEN.iterdir()} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_nothing_rendered_ends_in_blanks(name):
    assert not re.search(r"[ \t]$", render("helm4", "-f", SETS[name]), re.MULTILINE)


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", REFUSED)
def test_refuses(helm, case):
    pairs, words = REFUSED[case]
    done = run(helm, "template", "x", CHART, *MINIMAL, *settings(pairs))
    assert done.returncode != 0 and words in done.stderr


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", UNSOUND)
def test_schema_refuses(helm, case):
    pairs, name = UNSOUND[case]
    done = run(helm, "template", "x", CHART, *MINIMAL, *settings(pairs))
    assert done.returncode != 0 and "don't meet the specifications of the schema" in done.stderr and name in done.stderr


@pytest.mark.parametrize("helm", HELMS)
def test_takes_what_a_parent_chart_passes_down(helm):
    render(helm, *MINIMAL, "--set", "global.imageRegistry=registry.example.org")


@pytest.mark.parametrize("helm", HELMS)
def test_package_holds_what_is_needed_and_renders_alike(helm, tmp_path):
    done = run(helm, "package", CHART, "-d", tmp_path)
    assert done.returncode == 0, done.stderr
    package, = tmp_path.iterdir()
    with tarfile.open(package) as archive:
        held = set(archive.getnames())
    wanted = {str(path.relative_to(CHART.parent)) for path in CHART.rglob("*") if path.is_file() and path.parent.name != "ci"}
    assert held | {"acmezone/.helmignore"} == wanted | {"acmezone/.helmignore"}
    assert render(helm, *MINIMAL, chart=package) == render(helm, *MINIMAL)


def judge(*files):
    """The faults that the validator finds in files, and how many objects it saw."""
    done = subprocess.run(["node", pathlib.Path(__file__).with_name("validate.mjs"), TOOLS, *files], capture_output=True,
                          text=True, timeout=120, check=True)
    *faults, count = done.stdout.splitlines()
    return "\n".join(faults), int(count.split()[0])


def test_every_object_is_one_that_kubernetes_accepts(tmp_path):
    n_wanted = 0
    for name, path in SETS.items():
        text = render("helm4", "-f", path)
        (tmp_path / f"{name}.yaml").write_text(text)
        n_wanted += len([item for item in yaml.safe_load_all(text) if item])
    assert judge(*sorted(tmp_path.iterdir())) == ("", n_wanted)


# What is replaced in a manifest that is sound, and what the validator must say.
PLANTED = {
    "an unknown member": ("securityContext:", "securtyContext:", 'unknown member "securtyContext"'),
    "a text for a number": ("port: 53\n", "port: '53'\n", "want a number"),
    "a misspelt word": ("externalTrafficPolicy: Local", "externalTrafficPolicy: Lokal", "allowed values"),
    "a version that is gone": ("apiVersion: apps/v1", "apiVersion: apps/v1beta1", "no such kind"),
    "a kind that never was": ("kind: Service\n", "kind: Servise\n", "no such kind"),
    "a member given twice": ("  replicas: 1\n", "  replicas: 1\n  replicas: 2\n", "Map keys must be unique"),
    "no selector": ("  selector:\n    matchLabels:", "  minReadySeconds: 1\n  paused:\n    matchLabels:",
                    "required property selector"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_validator_finds(case, tmp_path):
    old, new, words = PLANTED[case]
    text = render("helm4", *MINIMAL)
    assert old in text
    (tmp_path / "planted.yaml").write_text(text.replace(old, new))
    assert words in judge(tmp_path / "planted.yaml")[0]


def test_schema_holds_the_options_of_the_program(program):
    subprocess.run([sys.executable, ROOT / "deploy/helm/schema.py", program, "--check"], check=True)


def test_alerts_of_the_chart_are_those_for_everybody():
    assert (CHART / "files/acmezone.rules.yml").read_text() == (ROOT / "deploy/prometheus/acmezone.rules.yml").read_text()


def describes(schema, values, definitions, path="values"):
    """Walks the schema and the values side by side: each must name what the other does."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if not schema.get("properties") or path in ("values.config", "values.global"):
        return
    known = set(schema["properties"]) - {"global"}
    if values and not path.endswith("Probe") and path not in MAY_BE_SILENT:
        assert known == set(values), path
    for key in known & set(values):
        if isinstance(values[key], dict):
            describes(schema["properties"][key], values[key], definitions, f"{path}.{key}")


# Members of these are told in a comment, not given.
MAY_BE_SILENT = {"values.api.tls.certificate.issuerRef", "values.dns.service.nodePorts"}


def test_schema_and_values_name_the_same():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    describes(schema, yaml.safe_load((CHART / "values.yaml").read_text()), schema["definitions"])


def test_chart_carries_the_version_of_the_program():
    version = re.search(r"^VERSION\s*:=\s*(\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)
