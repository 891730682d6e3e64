# SPDX-License-Identifier: MIT
"""Pebble: the certificate authority, of the makers of Let's Encrypt, for tests.

By itself it delays validations, refuses good nonces and reuses authorizations at random, to harden clients; here we
test a server, so all of that is off.
"""

import json

from lab.processes import end_session, free_address

STEADY = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}


class Pebble:
    """An authority that asks the resolver (host, port), running unless told otherwise."""

    def __init__(self, lab, resolver, validity_s=None, is_running=True):
        self.lab, self.resolver, self.validity_s = lab, resolver, validity_s
        self.acme, self.management_address = free_address(), free_address()
        self.directory = f"https://{self.acme[0]}:{self.acme[1]}/dir"
        self.management = f"https://{self.management_address[0]}:{self.management_address[1]}"
        self.process = None
        self.https_certificate = lab.path("pebble.crt")  # clients have to trust it
        lab.run("pebble-https", [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", lab.path("pebble.key"), "-out", self.https_certificate])
        if is_running:
            self.start()

    def start(self):
        """Starts it: it knows no account and has a new root."""
        options = {} if self.validity_s is None else {"certificateValidityPeriod": self.validity_s}
        config = self.lab.path("pebble.json", json.dumps({"pebble": {
            "listenAddress": "{}:{}".format(*self.acme),
            "managementListenAddress": "{}:{}".format(*self.management_address),
            "certificate": str(self.https_certificate),
            "privateKey": str(self.lab.path("pebble.key")),
            "httpPort": 5002,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            **options}}))
        self.lab.start("pebble", ["pebble", "-config", config, "-strict", "-dnsserver", "{}:{}".format(*self.resolver)],
                       [self.acme, self.management_address], env=STEADY)
        self.process = self.lab.running[-1]

    def stop(self):
        """Stops it; all it knew is gone."""
        self.lab.running.remove(self.process)
        end_session(self.process)

    def restart(self, **changes):
        """Stops it and starts it at the same address, with other attributes."""
        self.stop()
        for name, value in changes.items():
            setattr(self, name, value)
        self.start()

    def root(self):
        """The path of the root certificate, made anew at each start of the authority."""
        root = self.lab.path("root.pem")
        self.lab.run("pebble-root", ["curl", "-sSf", "--cacert", self.https_certificate, "-o", root,
                                     f"{self.management}/roots/0"])
        return root
