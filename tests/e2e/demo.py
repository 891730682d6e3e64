# SPDX-License-Identifier: MIT
"""`make demo`: a certificate authority issues a certificate for example.com and *.example.com through acmezone.

Everything is real and on this machine only: acmezone, certbot with its hook, pebble as the authority, a validating
unbound as its resolver, and nsd with the two parent zones. All of it runs on free ports, for any user, in a temporary
folder, and is gone at the end, be it a good one, a bad one or Ctrl-C. Only a failure leaves the folder, for its logs.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

try:
    from acmezone import BINARY, ZONE, Acmezone
except ModuleNotFoundError as missing:
    sys.exit(f"The demo needs Debian's python3-requests and python3-dnspython, run with /usr/bin/python3: {missing}")
from lab import certificate, clients, nsd, unbound, zones
from lab.pebble import Pebble
from lab.processes import ENDS_WITH_US, Lab, ProgramFailed, free_address, missing_programs
from lab.zones import NAMES

PACKAGES = {"certbot": "certbot", "pebble": "pebble", "unbound": "unbound", "nsd": "nsd", "openssl": "openssl",
            "curl": "curl", "ldns-keygen": "ldnsutils", "ldns-signzone": "ldnsutils"}


def step(title, *lines):
    """Tells what has just been set up."""
    print(f"  {title:<16}{lines[0]}", *(f"{'':18}{line}" for line in lines[1:]), sep="\n", flush=True)


def what_is_missing():
    """Why the demo cannot run here, or None."""
    if not os.access(BINARY, os.X_OK):
        return f"There is no {BINARY}: build it with `make`."
    missing = missing_programs(PACKAGES)
    if missing:
        packages = " ".join(sorted({PACKAGES[program] for program in missing}))
        return f"Not installed: {', '.join(missing)}. On Debian: apt-get install {packages}"
    return None


def obtain(server, lab):
    """The chain, link by link, then the certificate."""
    started = time.monotonic()
    host, port = server.start().dns
    step("acmezone", f"serves {ZONE} at {host} port {port}, its API is at {server.api}")

    account = server.register()
    step("POST /register", f"gave us {account['fulldomain']}")

    customer, operator = zones.parents(lab, account, host)
    parents, resolver = free_address(), free_address()
    nsd.start(lab, "nsd", parents, [customer, operator])
    step("nsd", "serves the parent zones, signed; the two records that somebody writes once:",
         f"_acme-challenge.example.com.  CNAME  {account['fulldomain']}.",
         f"{ZONE}.             NS     {ZONE}.")

    stubs = {customer.origin: parents, operator.origin: parents, f"{ZONE}.": server.dns}
    unbound.start(lab, resolver, [customer, operator], stubs)
    step("unbound", "resolves and validates DNSSEC for the authority")

    ca = Pebble(lab, resolver)
    step("pebble", f"is the certificate authority, at {ca.directory}")

    asked = time.monotonic()
    step("certbot", f"asks for {' and '.join(NAMES)}; its hook publishes by POST /update ...")
    path = clients.certbot(lab, ca, clients.hook_environment(lab, server.api, account, resolver=resolver), NAMES)
    issued, took_s = certificate.read(lab, path), time.monotonic() - asked
    certificate.verify(lab, path, ca.root())
    whole_s = time.monotonic() - started
    print(f"\nThe certificate is there, {took_s:.1f} s after certbot asked, {whole_s:.1f} s after the start:\n")
    for title, text in (("names", ", ".join(issued.names)), ("issuer", issued.issuer), ("valid until", issued.end),
                        ("signature", "verified up to the root of the authority")):
        step(title, text)


def end_on_signal(number, _frame):
    """Turns a signal into an orderly end."""
    sys.exit(128 + number)


def main():
    problem = what_is_missing()
    if problem:
        sys.exit(problem)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, end_on_signal)
    folder = Path(tempfile.mkdtemp(prefix="acmezone-demo-"))
    records = [f"{ZONE}. A 127.0.0.1", f"{ZONE}. NS {ZONE}."]
    server = Acmezone(folder, general={"records": records}, wrapper=ENDS_WITH_US)
    lab = Lab(folder)
    failure = None
    print("A certificate authority, its resolver, two parent zones and an ACME client, on this machine only:\n")
    try:
        obtain(server, lab)
    except (ProgramFailed, AssertionError, OSError) as failed:
        failure = failed
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        lab.stop()
        if server.process:
            server.stop()
        if not failure:
            shutil.rmtree(folder)
            print("\nEverything is stopped and removed.")
    if failure:
        sys.exit(f"\n{failure}\n\nThe demo failed. Everything is stopped; all logs are in {folder}")


if __name__ == "__main__":
    main()
