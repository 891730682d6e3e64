# SPDX-License-Identifier: MIT
"""Brings the tools before the first test; --rewrite-golden writes down what the chart renders now."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))  # the running server: acmezone.py

from chart import ROOT, SETS, TOOLS, Release


def pytest_addoption(parser):
    parser.addoption("--rewrite-golden", action="store_true", help="take what the chart renders now for right")


@pytest.fixture(scope="session", autouse=True)
def tools():
    subprocess.run(["sh", pathlib.Path(__file__).with_name("tools.sh"), TOOLS], check=True)


@pytest.fixture(scope="session")
def releases(tools):
    """Every value set, rendered."""
    return {name: Release("-f", path) for name, path in SETS.items()}


@pytest.fixture(scope="session")
def program():
    return pathlib.Path(os.environ.get("ACMEZONE_BIN", ROOT / "build" / "acmezone")).resolve()
