# SPDX-License-Identifier: MIT
"""Starts the real binary for a test and talks to it.

    with Acmezone(tmp_path, general={"txt_values": 3}) as server:
        account = server.register()
        server.update(account, "x" * 43)
        server.query(account["fulldomain"], "TXT")

The server gets free ports, its configuration is written from the keyword sections over the defaults below, and its
store lies in tmp_path: a second Acmezone on the same tmp_path finds what the first one kept. Leaving the block stops
the server and asserts that it left cleanly: exit code 0, nothing on stderr (sanitizers report there), no error logged,
and no secret of the configuration or of an account in what it said.
A test that provokes an error says so with expects_errors=True and checks the events itself.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.message
import dns.query
import requests

ROOT = Path(__file__).resolve().parents[2]
BINARY = str(Path(os.environ.get("ACMEZONE_BIN", ROOT / "build/acmezone")).resolve())
ZONE = "auth.example.org"
DEADLINE_S = 60  # generous: the same tests run under sanitizers, and on busy machines

DEFAULTS = {
    "general": {
        "listen": "127.0.0.1:0",
        "domain": ZONE,
        "nsname": ZONE,
        "nsadmin": "admin.example.org",
        "records": [
            f"{ZONE}. A 192.0.2.1",
            f"{ZONE}. AAAA 2001:db8::1",
            f"{ZONE}. NS {ZONE}.",
        ],
        "rrl_existing_per_s": 0,  # a test asks as fast as it can; test_abuse.py has limits of its own
        "rrl_others_per_s": 0,
    },
    "database": {"engine": "lmdb"},
    "api": {"ip": "127.0.0.1", "port": "0", "tls": "none", "auth_failures_per_min": 0},
    "logconfig": {"loglevel": "info", "logtype": "stdout", "logformat": "json"},
    "metrics": {"listen": "127.0.0.1:0"},
    "querylog": {},
    "audit": {},
}

# Cheap passwords for the tests that register a lot and prove nothing about hashing.
CHEAP_ARGON2 = {"argon2_memory_kib": 64, "argon2_passes": 1, "argon2_lanes": 1}


def to_toml(sections):
    """The text of a configuration file; a key whose value is None is left out, so that a test can drop a default."""
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}"
                  for key, value in options.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def write_config(tmp_path, **sections):
    """Writes tmp_path/config.cfg from the defaults and the given sections; returns its path."""
    merged = {name: {**options, **(sections.get(name) or {})} for name, options in DEFAULTS.items()}
    merged["database"].setdefault("connection", str(tmp_path / "data"))
    path = tmp_path / "config.cfg"
    path.write_text(to_toml(merged))
    return path


def clean_environment(env=None):
    """Ours without what would reconfigure the server, plus env."""
    ours = {key: value for key, value in os.environ.items()
            if not key.startswith("ACMEZONE_") and key != "NOTIFY_SOCKET"}
    return {**ours, **(env or {})}


def run(*args, env=None, cwd=None, wrapper=(), deadline_s=DEADLINE_S):
    """Runs the binary to its end: for everything but serving."""
    return subprocess.run([*wrapper, BINARY, *map(str, args)], env=clean_environment(env), cwd=cwd, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline_s, check=False)


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """Polls until condition() is true and returns its value; fails with what() or the given text after the deadline."""
    give_up = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {deadline_s} s in vain: {what() if callable(what) else what}")
        time.sleep(0.01)


def split_address(text):
    """'127.0.0.1:53' or '[::1]:53' -> (host, port)."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def parse_log_line(line):
    """One line, JSON or text, as a dict; numbers of a text line stay texts."""
    if line.startswith("{"):
        return json.loads(line)
    time_, level, event, *_ = line.split(" ", 3)
    fields = re.findall(r' (\w+)=("(?:[^"\\]|\\.)*"|[^" ]*)', line)
    values = {key: json.loads(value) if value.startswith('"') else value for key, value in fields}
    return {"time": time_, "level": level, "event": event, **values}


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP; taken a moment later."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


class Acmezone:
    """One running server. See the head of this file."""

    def __init__(self, tmp_path, general=None, api=None, database=None, logconfig=None, metrics=None, querylog=None,
                 audit=None, env=None, wrapper=(), config=None, args=None, cwd=None, expects_errors=False, warns=False):
        self.tmp_path = Path(tmp_path)
        self.sections = {"general": general, "api": api, "database": database, "logconfig": logconfig,
                         "metrics": metrics, "querylog": querylog, "audit": audit}
        self.config = Path(config) if config else None  # a file to use as it is, instead of the sections
        self.args = args  # the command line, instead of "serve -c config"
        self.cwd = cwd
        self.env = env
        self.wrapper = list(wrapper)
        self.expects_errors = expects_errors
        self.warns = warns  # about its configuration, on stderr
        self.process = self.stdout_path = self.stderr_path = None
        self.n_ready_before = 0
        self.passwords = []
        self.http = requests.Session()
        self.http.trust_env = False
        self.dns = self.dns_all = self.api = self.apis = self.metrics = None

    # Starting and stopping

    def __enter__(self):
        return self.start()

    def start(self):
        """Starts the server and waits until it says that it is ready."""
        if not self.config:
            self.config = write_config(self.tmp_path, **self.sections)
        args = self.args if self.args is not None else ["serve", "-c", self.config]
        nth = len(list(self.tmp_path.glob("stdout-*.log")))
        self.stdout_path = None
        self.n_ready_before = len(self.events_named("serve.ready"))  # in a log file of an earlier run
        self.stdout_path = self.tmp_path / f"stdout-{nth}.log"
        self.stderr_path = self.tmp_path / f"stderr-{nth}.log"
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen([*self.wrapper, BINARY, *map(str, args)], stdin=subprocess.DEVNULL,
                                            stdout=stdout, stderr=stderr, cwd=self.cwd,
                                            env=clean_environment(self.env))
        try:
            ready = wait_until(self._ready_or_dead, lambda: f"no serve.ready\n{self.report()}")
            assert ready != "dead", f"the server ended at its start, exit code {self.process.wait()}\n{self.report()}"
        except BaseException:
            self.kill()
            raise
        self.dns_all = [split_address(text) for text in ready["dns"].split(",")]
        self.dns = self.dns_all[0]
        self.apis = ready["api"].split(",")
        self.api = self.apis[0]
        self.metrics = ready.get("metrics", "off").split(",")[0]
        return self

    def _ready_or_dead(self):
        is_dead = self.process.poll() is not None
        ready = self.events_named("serve.ready")[self.n_ready_before:]
        return ready[0] if ready else "dead" if is_dead else None

    def __exit__(self, kind, _value, _traceback):
        if kind is not None:
            print(self.report())
            self.kill()
        elif self.process.poll() is None or self.process.returncode != -signal.SIGKILL:
            code = self.stop()
            assert code == 0, f"exit code {code}\n{self.report()}"
        self.http.close()
        if kind is None:
            assert self.warns or self.stderr == "", self.report()
            assert self.expects_errors or not self.errors, f"errors in the log: {self.errors}"
            said = self.log + self.stderr
            assert not [secret for secret in self.secrets() if secret in said], "a secret was logged"

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            report = self.report()
            self.kill()
            raise AssertionError(f"SIGTERM did not stop the server\n{report}") from None

    def kill(self):
        """SIGKILL: what a power cut looks like to the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def restart(self):
        """A clean stop and a new start on the same configuration file and store."""
        code = self.stop()
        assert code == 0, f"exit code {code}\n{self.report()}"
        return self.start()

    def reload(self):
        """SIGHUP; returns when the server says that it has reloaded."""
        n = len(self.events_named("serve.reloaded"))
        self.signal(signal.SIGHUP)
        return self.wait_event("serve.reloaded", n + 1)

    def signal(self, number):
        self.process.send_signal(number)

    @property
    def pid(self):
        return self.process.pid

    # What it says

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="replace") if self.stdout_path else ""

    @property
    def log(self):
        """All log text so far, from stdout and from the log file if there is one."""
        logfile = (self.sections["logconfig"] or {}).get("logfile")
        return self.stdout + (Path(logfile).read_text() if logfile and Path(logfile).exists() else "")

    @property
    def events(self):
        """The complete lines of the log so far."""
        return [parse_log_line(line) for line in self.log.split("\n")[:-1]]

    @property
    def errors(self):
        return [event for event in self.events if event["level"] == "error"]

    def events_named(self, name):
        return [event for event in self.events if event["event"] == name]

    def wait_event(self, name, n=1):
        """Waits for the nth event of that name and returns it."""
        return wait_until(lambda: self.events_named(name)[n - 1:n],
                          lambda: f"event {name} number {n}\n{self.report()}")[0]

    def counters(self):
        """The counters as they are now."""
        n = len(self.events_named("serve.counters"))
        self.signal(signal.SIGUSR1)
        return self.wait_event("serve.counters", n + 1)

    def secrets(self):
        """What must never be logged; shorter ones may be words."""
        general, api, database = (self.sections[name] or {} for name in ("general", "api", "database"))
        tokens = [token.partition(":")[2] for token in api.get("registration_tokens") or []]
        all_secrets = [*self.passwords, *tokens, "$argon2", general.get("cookie_secret") or "", database.get("password") or ""]
        return [secret for secret in all_secrets if len(secret) >= 7]

    def report(self):
        """What a failing test shows."""
        log = "\n".join(self.log.splitlines()[-40:])
        return f"--- log\n{log}\n--- stderr\n{self.stderr}"

    # What one asks of it

    def register(self, **body):
        """A new account, as the API gave it."""
        answer = self.http.post(f"{self.api}/register", json=body or None, timeout=DEADLINE_S)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}\n{self.report()}"
        self.passwords.append(answer.json()["password"])
        return answer.json()

    def update(self, account, txt, subdomain=None, headers=None):
        """Publishes a value for the account; the answer is the caller's to judge."""
        return self.http.post(
            f"{self.api}/update", json={"subdomain": subdomain or account["subdomain"], "txt": txt},
            headers={"X-Api-User": account["username"], "X-Api-Key": account["password"], **(headers or {})},
            timeout=DEADLINE_S)

    def query(self, name, rdtype="TXT", tcp=False, at=None, **options):
        """One question; options are those of dns.message.make_query."""
        return self.ask(dns.message.make_query(name, rdtype, **options), tcp=tcp, at=at)

    def ask(self, message, tcp=False, at=None):
        """One message as it is, to the first listen address or the one given."""
        host, port = at or self.dns
        exchange = dns.query.tcp if tcp else dns.query.udp
        return exchange(message, host, port=port, timeout=DEADLINE_S)

    def txt(self, name, **options):
        """The TXT values of a name, sorted."""
        answer = self.query(name, "TXT", **options)
        return sorted(b"".join(rdata.strings).decode() for rrset in answer.answer for rdata in rrset
                      if rrset.rdtype == dns.rdatatype.TXT)
