# SPDX-License-Identifier: MIT
"""Fixtures: one server for all the tests that can share one, and accounts on it."""

import itertools

import pytest

from acmezone import CHEAP_ARGON2, Acmezone


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with the default configuration, shared: a test must not depend on what others left in it."""
    with Acmezone(tmp_path_factory.mktemp("shared"), api=CHEAP_ARGON2) as running:
        yield running


@pytest.fixture
def account(server):
    """A fresh account on the shared server."""
    return server.register()


@pytest.fixture(scope="session")
def new_txt():
    """A function: each call gives another value of the right shape."""
    numbers = itertools.count()
    return lambda: f"{next(numbers):_>43}"
