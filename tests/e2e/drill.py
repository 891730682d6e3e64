# SPDX-License-Identifier: MIT
"""`make drill`: each way of publishing a challenge is killed in turn, and certificates are renewed all the same.

deploy/failover-drill does it, as an operator would: two servers of one zone, then both of them at once, when the fallback
has to write the value into the customer's own zone. The rest is the small Internet of lab.world, with certbot, pebble
as the authority, and a resolver that keeps nothing. Needs root, for the network namespace.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from acmezone import BINARY, clean_environment
from lab import certificate, world
from lab.pebble import Pebble
from lab.world import HOME, RESOLVER, ROOT, SECOND, SERVER, Customer

DRILL = Path(__file__).resolve().parents[2] / "deploy/failover-drill"
DOMAIN = "good.com"


def customers(account):
    return [Customer("good", [f"_acme-challenge CNAME {account['fulldomain']}."])]


def operator(_world):
    return ["auth NS ns.auth", "auth NS ns2.auth", f"ns.auth A {SERVER}", f"ns2.auth A {SECOND}"]


class Server:
    """One of the two: how the drill kills it and starts it again. It keeps the port that it has found for its API."""

    def __init__(self, internet, server):
        self.inside, self.server = internet.inside, server
        self.pid_file = server.tmp_path / "pid"
        self.pid_file.write_text(str(server.process.pid))
        config = server.config.read_text()
        server.config.write_text(config.replace('port = "0"', f'port = "{server.api.rpartition(":")[2]}"'))

    @property
    def stop(self):
        """Kills it, and waits until it is gone."""
        gone = f"! kill -0 $(cat {self.pid_file}) 2>&- || grep -q '^State:.Z' /proc/$(cat {self.pid_file})/status"
        return f"kill -KILL $(cat {self.pid_file}); until {gone}; do sleep 0.05; done"

    @property
    def start(self):
        """Starts it, and waits until its API answers."""
        serve = shlex.join(map(str, [*self.inside, BINARY, "serve", "-c", self.server.config]))
        ready = shlex.join([*self.inside, "curl", "-sf", "-o", "/dev/null", f"{self.server.api}/health"])
        return f"setsid {serve} >/dev/null 2>&1 & echo $! >{self.pid_file}; until {ready}; do sleep 0.05; done"

    def end(self):
        """Stops the one that runs now, if it is not the first."""
        pid = int(self.pid_file.read_text())
        if pid != self.server.process.pid:
            os.kill(pid, signal.SIGTERM)


class Stage:
    """The world, the two servers, the authority, and the three commands of the drill."""

    def __init__(self, internet, folder):
        self.internet, self.folder = internet, folder
        main = internet.servers["main"]
        main.stop()
        shutil.copytree(main.tmp_path / "data", folder / "twin-store")
        main.start()
        twin = internet.start_server("twin", [SECOND], HOME,
                                     sections={"database": {"connection": str(folder / "twin-store")}})
        self.servers = [Server(internet, main), Server(internet, twin)]
        internet.start_resolver("resolver", RESOLVER, "cache-max-ttl: 0", "cache-max-negative-ttl: 0",
                                "infra-host-ttl: 0", "unknown-server-time-limit: 50")
        self.ca = Pebble(internet.lab, (RESOLVER, 53))
        self.zone = internet.folder / f"lab/nsd-customers-{DOMAIN}.zone"
        self.certificates = folder / "certbot"

    def environment(self):
        """What certbot and the hook want to know."""
        accounts = self.internet.lab.path("accounts.json", json.dumps({DOMAIN: self.internet.account}))
        return {"ACMEZONE_SERVER": ",".join(one.server.api for one in self.servers), "ACMEZONE_ROOT": ROOT,
                "ACMEZONE_CREDENTIALS": str(accounts), "ACMEZONE_DEADLINE": "30", "ACMEZONE_TIMEOUT": "5",
                "ACMEZONE_FALLBACK": self.write_record("TXT $VALUE"),
                "REQUESTS_CA_BUNDLE": str(self.ca.https_certificate)}

    def write_record(self, record):
        """A command that writes the customer's record, as Lexicon does at a provider."""
        serial = "$(date +%s)"
        return (f'sed -i -e "s/^_acme-challenge .*/_acme-challenge {record}/" '
                f'-e "s/hostmaster [0-9]*/hostmaster {serial}/" {self.zone} && '
                f"kill -HUP {self.internet.nsd_customers.pid}")

    def renew(self):
        """A command that asks the authority for a certificate."""
        return shlex.join(map(str, [
            *self.internet.inside, "certbot", "certonly", "-n", "--agree-tos", "--register-unsafely-without-email",
            "--server", self.ca.directory, "--force-renewal", "--config-dir", self.certificates, "--work-dir",
            self.certificates, "--logs-dir", self.certificates, "--manual", "--preferred-challenges", "dns",
            "--manual-auth-hook", f"{BINARY}-hook", "-d", DOMAIN]))

    def argv(self):
        """The command line of the drill."""
        first, second = self.servers
        target = f"CNAME {self.internet.account['fulldomain']}."
        return [DRILL, "--renew", self.renew(),
                "--path", "the first server", first.stop, first.start,
                "--path", "the second server", second.stop, second.start,
                "--path", "both servers: the fallback publishes", f"{first.stop}; {second.stop}",
                f"{first.start}; {second.start}; {self.write_record(target)}"]

    def verify(self):
        """The last certificate is really the authority's."""
        chain = self.certificates / "live" / DOMAIN / "fullchain.pem"
        certificate.verify(self.internet.lab, chain, self.ca.root())
        return certificate.read(self.internet.lab, chain)

    def n_certificates(self):
        """How many have been issued."""
        return len(list((self.certificates / "archive" / DOMAIN).glob("fullchain*.pem")))


@contextmanager
def staged(folder):
    """A stage in the folder."""
    (folder / "world").mkdir()
    (folder / "drill").mkdir()
    with world.running(folder / "world", customers, operator) as internet:
        stage = Stage(internet, folder / "drill")
        try:
            yield stage
        finally:
            for server in stage.servers:
                server.end()


def main():
    if os.geteuid() != 0:
        sys.exit("The drill needs root, for a network namespace of its own.")
    with tempfile.TemporaryDirectory(prefix="acmezone-drill-") as folder, staged(Path(folder)) as stage:
        print("Two servers, the zone above them, a resolver, an authority and certbot, in a network of their own:\n",
              flush=True)
        code = subprocess.run(stage.argv(), env=clean_environment(stage.environment()), check=False).returncode
        if code == 0:
            issued = stage.verify()
            print(f"{stage.n_certificates()} certificates for {', '.join(issued.names)}, issued by {issued.issuer}; "
                  "verified up to the root of the authority.")
    sys.exit(code)


if __name__ == "__main__":
    main()
