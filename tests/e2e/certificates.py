# SPDX-License-Identifier: MIT
"""Certificates for tests, made with the openssl command."""

import ssl
import subprocess


def openssl(*args, text=None):
    return subprocess.run(["openssl", *map(str, args)], input=text, text=True, capture_output=True, check=True).stdout


class Authority:
    """A root and an intermediate that sign end certificates; .root is what a client must trust."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.n_issued = 0
        self.root = folder / "root.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 10,
                "-subj", "/CN=root", "-keyout", folder / "root.key", "-out", self.root,
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._sign("intermediate", "/CN=intermediate", "ec", "root",
                   "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign")

    def _sign(self, name, subject, key, issuer, extensions, dates=("-days", 9)):
        request, certificate = self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        kind = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-subj", subject,
                "-keyout", self.folder / f"{name}.key", "-out", request)
        (self.folder / "extensions").write_text(extensions)
        openssl("x509", "-req", "-in", request, "-out", certificate, "-extfile", self.folder / "extensions",
                "-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key", "-CAcreateserial",
                *dates)
        return certificate

    def issue(self, key="ec", dates=("-days", 9), names="DNS:localhost,IP:127.0.0.1,IP:::1"):
        """(chain in PEM, private key in PEM, end certificate in DER) for 127.0.0.1 and localhost, or other names."""
        self.n_issued += 1
        name = f"end-{self.n_issued}"
        certificate = self._sign(name, f"/CN={name}", key, "intermediate",
                                 f"subjectAltName={names}", dates)
        chain = certificate.read_text() + (self.folder / "intermediate.pem").read_text()
        return chain, (self.folder / f"{name}.key").read_text(), ssl.PEM_cert_to_DER_cert(certificate.read_text())

    def issue_expired(self):
        """As issue, but no longer valid since yesterday (openssl 3.0 takes a negative number of days)."""
        return self.issue(dates=("-days", -1))
