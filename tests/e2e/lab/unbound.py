# SPDX-License-Identifier: MIT
"""Unbound: the validating resolver that the certificate authority asks, set up like those of a public authority.

It keeps what it learns for up to a minute, so a server whose TXT records could be kept would be found out.
"""

CONFIG = """\
server:
    interface: {host}@{port}
    access-control: {host}/32 allow
    do-daemonize: no
    use-syslog: no
    verbosity: 2
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: "{folder}/{name}.pid"
    do-ip6: no
    do-not-query-localhost: no
    module-config: "validator iterator"
    cache-max-ttl: 60
    cache-max-negative-ttl: 60
    qname-minimisation: yes
    qname-minimisation-strict: yes
    {options}
remote-control:
    control-enable: no
"""
STUB = """\
stub-zone:
    name: "{name}"
    stub-addr: {host}@{port}
"""


def start(lab, address, anchors, stubs=None, options=(), name="unbound"):
    """Resolves at the address (host, port).

    anchors are the signed zones whose keys are trusted. stubs say where zones are served when that is not port 53, to
    which alone a delegation can point: {"example.com.": (host, port)}. options are more lines of the server section.
    """
    host, port = address
    options = [*options, *(f"trust-anchor: '{zone.dnskey}'" for zone in anchors)]
    config = CONFIG.format(host=host, port=port, name=name, folder=lab.folder, options="\n    ".join(options))
    for zone, (stub_host, stub_port) in (stubs or {}).items():
        config += STUB.format(name=zone, host=stub_host, port=stub_port)
    lab.start(name, ["unbound", "-d", "-c", lab.path(f"{name}.conf", config)], [address])
