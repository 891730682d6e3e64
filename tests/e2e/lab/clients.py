# SPDX-License-Identifier: MIT
"""Four ACME clients, each asking the authority for one certificate with acmezone-hook, all state in the lab's folder.

certbot and dehydrated publish all values, then let the authority validate; lego (by its exec provider) and uacme
publish and validate one name after the other.
"""

import json
import os

from acmezone import BINARY

HOOK = f"{BINARY}-hook"
NOBODY = "127.0.0.1@9"  # no root name server listens there


def hook_environment(lab, api, account, **seen_by):
    """What the hook wants to know: the account of example.com, and how it sees the world.

    root is the address of a root name server, resolver the (host, port) of one to ask in its place; with neither, the
    hook returns as soon as the value is published.
    """
    if "root" in seen_by:
        sight = {"ACMEZONE_ROOT": seen_by["root"]}
    elif "resolver" in seen_by:
        sight = {"ACMEZONE_ROOT": NOBODY, "ACMEZONE_RESOLVER": "{}@{}".format(*seen_by["resolver"])}
    else:
        sight = {"ACMEZONE_NO_WAIT": "1"}
    accounts = lab.path("accounts.json", json.dumps({"example.com": account}))
    return {"ACMEZONE_SERVER": api, "ACMEZONE_CREDENTIALS": str(accounts), **sight}


def domain_options(names):
    return [word for name in names for word in ("-d", name)]


def certbot(lab, ca, env, names):
    folder = lab.path("certbot")
    lab.run("certbot", [
        "certbot", "certonly", "-n", "--agree-tos", "--register-unsafely-without-email", "--server", ca.directory,
        "--config-dir", folder, "--work-dir", folder, "--logs-dir", folder,
        "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", HOOK, *domain_options(names)],
        env={**env, "REQUESTS_CA_BUNDLE": str(ca.https_certificate)})
    return folder / "live" / names[0] / "fullchain.pem"


DEHYDRATED_CONFIG = """\
CA="{directory}"
BASEDIR="{folder}"
CURL_OPTS="--cacert {trusted}"
CHALLENGETYPE="dns-01"
HOOK="{hook}"
HOOK_CHAIN="yes"
KEY_ALGO="prime256v1"
KEYSIZE="2048"
"""


def dehydrated(lab, ca, env, names):
    folder = lab.path("dehydrated")
    folder.mkdir()
    config = lab.path("dehydrated.conf", DEHYDRATED_CONFIG.format(
        directory=ca.directory, folder=folder, trusted=ca.https_certificate, hook=HOOK))
    lab.run("dehydrated-register", ["dehydrated", "-f", config, "--register", "--accept-terms"], env=env)
    lab.run("dehydrated", ["dehydrated", "-f", config, "--cron", *domain_options(names)], env=env)
    return folder / "certs" / names[0] / "fullchain.pem"


def lego(lab, ca, env, names, own_check=False, prefix=()):
    """lego looks for the value through the authority's resolver before it lets the authority validate.

    With own_check it also asks each name server of the zone, which takes port 53 and a resolver for their names.
    """
    folder = lab.path("lego")
    checks = ["--dns.resolvers", "{}:{}".format(*ca.resolver), *([] if own_check else ["--dns.disable-cp"])]
    lab.run("lego", [
        *prefix, "lego", "--accept-tos", "--email", "admin@example.org", "--server", ca.directory, "--path", folder,
        "--dns", "exec", *checks, *domain_options(names), "run"],
        env={**env, "EXEC_PATH": str(HOOK), "EXEC_SEQUENCE_INTERVAL": "0", "EXEC_POLLING_INTERVAL": "1",
             "LEGO_CA_CERTIFICATES": str(ca.https_certificate)})
    return folder / "certificates" / f"{names[0].replace('*', '_')}.crt"


def uacme(lab, ca, env, names):
    """uacme trusts the certificates of the system only."""
    folder = lab.path("uacme")
    trusting = in_place_of("/etc/ssl/certs/ca-certificates.crt", ca.https_certificate)
    command = [*trusting, "uacme", "-v", "-y", "-c", folder, "-a", ca.directory, "-t", "EC", "-h", HOOK]
    lab.run("uacme-new", [*command, "new"], env=env)
    lab.run("uacme", [*command, "issue", *names], env=env)
    return folder / names[0] / "cert.pem"


def in_place_of(system_file, file):
    """The beginning of a command line: what follows sees our file where the system's is, and nobody else does."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
    return ["unshare", "--mount", *as_root, "sh", "-ec", script, "sh", file, system_file]


CLIENTS = {"certbot": certbot, "dehydrated": dehydrated, "lego": lego, "uacme": uacme}
