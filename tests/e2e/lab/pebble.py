# SPDX-License-Identifier: MIT
"""Pebble: the certificate authority, of the makers of Let's Encrypt, for tests.

By itself it delays validations, refuses good nonces and reuses authorizations at random, to harden clients; here we
test a server, so all of that is off.
"""

import json

from lab.processes import free_address

STEADY = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}


class Pebble:
    """A running authority that asks the resolver (host, port)."""

    def __init__(self, lab, resolver):
        self.lab, self.resolver = lab, resolver
        self.acme, management = free_address(), free_address()
        self.directory = f"https://{self.acme[0]}:{self.acme[1]}/dir"
        self.management = f"https://{management[0]}:{management[1]}"
        self.https_certificate = lab.path("pebble.crt")  # clients have to trust it
        lab.run("pebble-https", [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", lab.path("pebble.key"), "-out", self.https_certificate])
        config = lab.path("pebble.json", json.dumps({"pebble": {
            "listenAddress": "{}:{}".format(*self.acme),
            "managementListenAddress": "{}:{}".format(*management),
            "certificate": str(self.https_certificate),
            "privateKey": str(lab.path("pebble.key")),
            "httpPort": 5002,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False}}))
        lab.start("pebble", ["pebble", "-config", config, "-strict", "-dnsserver", "{}:{}".format(*resolver)],
                  [self.acme, management], env=STEADY)

    def root(self):
        """The path of the root certificate, made anew at each start of the authority."""
        root = self.lab.path("root.pem")
        self.lab.run("pebble-root", ["curl", "-sSf", "--cacert", self.https_certificate, "-o", root,
                                     f"{self.management}/roots/0"])
        return root
