# SPDX-License-Identifier: MIT
"""Proves that the objects of docs/recipes/cert-manager.md are what the schemas of cert-manager and Kubernetes allow.

The schema lets members pass that it does not know; tests/e2e/test_recipes.py compares those of the solver one by one.
"""
import pathlib
import subprocess

import pytest

from chart import TOOLS
from lab.recipes import BLOCKS

VALIDATE = pathlib.Path(__file__).with_name("validate.mjs")


def faults(path, text):
    path.write_text(text)
    done = subprocess.run(["node", VALIDATE, TOOLS, path], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["secret", "issuer", "certificate"])
def test_objects_are_valid(name, tmp_path):
    assert faults(tmp_path / "object.yaml", BLOCKS[f"cert-manager-{name}"].text) == ["1 objects"]


@pytest.mark.parametrize("right, wrong", [("host:", "url:"), ("name: acmedns", ""), ("- dns01:", "dns01:")])
def test_a_solver_that_is_not_cert_managers_is_found_out(right, wrong, tmp_path):
    text = BLOCKS["cert-manager-issuer"].text
    assert right in text
    assert len(faults(tmp_path / "object.yaml", text.replace(right, wrong))) > 1
