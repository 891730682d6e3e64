# SPDX-License-Identifier: MIT
"""The chart as the tests see it: what Helm makes of it, and how to find one's way in that."""
import json
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "acmezone"
TOOLS = ROOT / "build" / "helm"
HELMS = ("helm3", "helm4")
RELEASE, NAMESPACE = "acme", "dns"

# Value sets: the files in the chart's ci folder, by the first part of their names.
SETS = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}


def run(helm, *args):
    """Runs Helm without a cluster to ask."""
    return subprocess.run([TOOLS / helm, *map(str, args)], capture_output=True, text=True, timeout=60,
                          env={"KUBECONFIG": "/dev/null", "HOME": str(TOOLS)})


def render(helm, *args, chart=CHART):
    """The manifests as text."""
    done = run(helm, "template", RELEASE, chart, "-n", NAMESPACE, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def notes(*args):
    """The notes after an installation. Only Helm 4 renders them without a cluster."""
    done = run("helm4", "install", RELEASE, CHART, "-n", NAMESPACE, "--dry-run=client", "-o", "json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["info"]["notes"]


class Release:
    """The objects of one rendering."""

    def __init__(self, *args):
        self.objects = [item for item in yaml.safe_load_all(render("helm4", *args)) if item]

    def all(self, *kinds):
        return [item for item in self.objects if item["kind"] in kinds]

    def find(self, kind, name):
        found = [item for item in self.all(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects are {kind} {name}"
        return found[0]

    def pods(self):
        """Every pod that would be made, as (name, labels, spec): one for each replica."""
        for item in self.all("Deployment", "StatefulSet"):
            template = item["spec"]["template"]
            for i in range(item["spec"]["replicas"]):
                name = f"{item['metadata']['name']}-{i}"
                own = {"statefulset.kubernetes.io/pod-name": name} if item["kind"] == "StatefulSet" else {}
                yield name, template["metadata"]["labels"] | own, template["spec"]
        for item in self.all("Pod"):
            yield item["metadata"]["name"], item["metadata"]["labels"], item["spec"]

    def selected(self, selector):
        """The pods that have these labels."""
        return [pod for pod in self.pods() if selector.items() <= pod[1].items()]

    def server(self):
        """The workload of the server, and its container."""
        item = next(item for item in self.all("Deployment", "StatefulSet")
                    if item["spec"]["template"]["spec"]["containers"][0]["name"] == "acmezone")
        return item, item["spec"]["template"]["spec"]["containers"][0]

    def config(self):
        return self.all("ConfigMap")[0]["data"]["config.cfg"]

    def secret(self, name, key):
        return self.find("Secret", name)["stringData"][key]
