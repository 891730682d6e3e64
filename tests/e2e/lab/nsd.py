# SPDX-License-Identifier: MIT
"""NSD: an authoritative name server for zones of the lab."""

CONFIG = """\
server:
    ip-address: {host}@{port}
    server-count: 1
    username: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/{name}.pid"
    xfrdfile: "{folder}/{name}.xfrd"
    zonelistfile: "{folder}/{name}.zonelist"
    rrl-ratelimit: 0
remote-control:
    control-enable: no
"""
ZONE = """\
zone:
    name: "{origin}"
    zonefile: "{file}"
"""


def start(lab, name, address, zones):
    """Serves the zones at the address (host, port)."""
    host, port = address
    config = CONFIG.format(host=host, port=port, folder=lab.folder, name=name)
    for zone in zones:
        file = lab.path(f"{name}-{zone.origin}zone", zone.text)
        config += ZONE.format(origin=zone.origin, file=file)
    lab.start(name, ["nsd", "-d", "-c", lab.path(f"{name}.conf", config)], [address])
