# SPDX-License-Identifier: MIT
"""What a certificate says, and whether the authority really signed it; by openssl."""

import re
from dataclasses import dataclass


@dataclass
class Certificate:
    """names are the sorted DNS names; issuer and end are as openssl prints them."""

    names: list
    issuer: str
    end: str


def read(lab, chain):
    """The first certificate of a PEM file."""
    text = lab.run("certificate", ["openssl", "x509", "-in", chain, "-noout", "-issuer", "-enddate",
                                   "-ext", "subjectAltName"])
    return Certificate(names=sorted(re.findall(r"DNS:([^,\s]+)", text)),
                       issuer=re.search(r"issuer=(.*)", text).group(1).strip(),
                       end=re.search(r"notAfter=(.*)", text).group(1))


def verify(lab, chain, root):
    """Raises ProgramFailed unless the chain of the PEM file leads to the root."""
    lab.run("verify", ["openssl", "verify", "-CAfile", root, "-untrusted", chain, chain])
