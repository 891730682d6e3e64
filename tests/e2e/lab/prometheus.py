# SPDX-License-Identifier: MIT
"""A real Prometheus that scrapes servers of the test, asked through its HTTP API; and metrics without one.

    with Prometheus(tmp_path, [server.metrics]) as prometheus:
        prometheus.wait_for("acmezone_updates_total > 0")
"""

import re
import subprocess
from pathlib import Path

import requests

from acmezone import DEADLINE_S, ROOT, wait_until
from lab.processes import Lab, free_address

RULES = ROOT / "deploy/prometheus/acmezone.rules.yml"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

CONFIG = """\
global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
rule_files: ["{rules}"]
scrape_configs:
  - job_name: acmezone
    static_configs:
      - targets: [{targets}]
"""


def promtool(*args, text=None):
    """Runs promtool to its end; the caller judges."""
    return subprocess.run(["promtool", *map(str, args)], input=text, text=True, capture_output=True, timeout=60,
                          check=False)


def scrape(url):
    """The text a server tells."""
    answer = requests.get(f"{url}/metrics", timeout=DEADLINE_S)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return answer.text


def samples_of(text):
    """{(name, frozenset of (label, value)): number} of a scrape."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = name, frozenset(LABEL.findall(labels or ""))
        assert key not in samples, f"twice: {line}"
        samples[key] = float(value)
    return samples


class Metrics:
    """One scrape: metrics["acmezone_dns_queries_total", "transport=udp"]."""

    def __init__(self, url):
        self.text = scrape(url)
        self.samples = samples_of(self.text)
        self.names = {name for name, _ in self.samples}

    def __getitem__(self, key):
        name, *labels = key if isinstance(key, tuple) else (key,)
        return self.samples[name, frozenset(tuple(label.split("=", 1)) for label in labels)]


class Prometheus(Lab):
    """The program, its data and its configuration in a folder below tmp_path."""

    def __init__(self, tmp_path, urls):
        folder = Path(tmp_path) / "prometheus"
        folder.mkdir()
        super().__init__(folder)
        self.urls = urls
        self.address = free_address()

    def __enter__(self):
        host, port = self.address
        targets = ", ".join(f'"{url.removeprefix("http://")}"' for url in self.urls)
        config = self.path("prometheus.yml", CONFIG.format(rules=RULES, targets=targets))
        self.start("prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.path('data')}",
                                  f"--web.listen-address={host}:{port}"], [self.address])
        return self

    def api(self, path, **params):
        """The data that the HTTP API answers with."""
        host, port = self.address
        answer = requests.get(f"http://{host}:{port}/api/v1/{path}", params=params, timeout=DEADLINE_S).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """[(labels, number)] of an instant query."""
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=expression)["result"]]

    def wait_for(self, expression):
        """Waits until the query has a result, and returns it."""
        return wait_until(lambda: self._query_or_none(expression), lambda: f"{expression}\n{self.report()}")

    def _query_or_none(self, expression):
        try:
            return self.query(expression)
        except (requests.RequestException, AssertionError):  # it listens before it answers
            return None
