# SPDX-License-Identifier: MIT
"""A network of its own for a test, with the addresses that it wants. Takes root."""

import ctypes
import os
import subprocess
import uuid
from contextlib import contextmanager

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def ip(*args):
    subprocess.run(["ip", *args], check=True)


@contextmanager
def namespace_with(addresses):
    """The name of a network namespace with the addresses on its loopback interface."""
    assert os.geteuid() == 0, "a network namespace takes root; `make e2e` leaves this file out for other users"
    name = f"acmezone-{uuid.uuid4().hex[:12]}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        for address in addresses:
            ip("-n", name, "address", "add", f"{address}/32", "dev", "lo")
        yield name
    finally:
        ip("netns", "delete", name)


def enter(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(fd)


@contextmanager
def inside(name):
    """Sockets that this thread makes within the block belong to the namespace, also after it."""
    ours = f"/proc/self/task/{ctypes.CDLL(None).gettid()}/ns/net"
    fd = os.open(ours, os.O_RDONLY)
    try:
        enter(f"/run/netns/{name}")
        try:
            yield
        finally:
            enter(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
