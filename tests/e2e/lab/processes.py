# SPDX-License-Identifier: MIT
"""Programs of the lab: started, waited for by their listening sockets, and stopped by process id.

Each program runs in a session of its own, so that a Ctrl-C reaches us only and we stop them in order, and so that what
it forked goes with it. Should we be killed, the kernel ends it as well (setpriv --pdeathsig). Its output is kept
in the lab's folder. The environment is ours to the letter: no proxy, no configuration of the user's home.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from acmezone import wait_until

SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
ENDS_WITH_US = ["setpriv", "--pdeathsig", "TERM"]
STOP_S = 5
RUN_S = 180
TCP_LISTEN = "0A"
PORTS = iter(random.sample(range(20000, 32000), 12000))  # below those that the kernel gives to outgoing connections


class ProgramFailed(Exception):
    """A program ended, or ended badly, when it should not have. The text shows what it printed."""


def missing_programs(names):
    """Those of the programs that are not installed."""
    return [name for name in names if not shutil.which(name, path=SEARCH_PATH)]


def free_address(host="127.0.0.1"):
    """(host, port) free for UDP and for TCP; never the same twice."""
    for port in PORTS:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind((host, port))
                tcp.bind((host, port))
                return host, port
            except OSError:
                continue
    raise OSError(f"no free port at {host}")


def is_listening(pid, address):
    """Whether the address accepts TCP connections in the network namespace of the process."""
    host, port = address
    wanted = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    try:
        rows = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    except OSError:  # the process has just ended; the caller looks for that
        return False
    return any(row.split()[1] == wanted and row.split()[3] == TCP_LISTEN for row in rows)


def has_ended(process):
    """Whether the program has ended. Its process id stays ours: only end_session gives it back to the kernel."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_session(process, first_signal=signal.SIGTERM):
    """Stops a program by its process id, then whatever is left of the session it leads."""
    os.kill(process.pid, first_signal)
    give_up = time.monotonic() + STOP_S
    while not has_ended(process) and time.monotonic() < give_up:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Lab:
    """A folder and the programs that run in it; leaving the block stops them, the youngest first.

    wrapper is put before every command line, for instance ("ip", "netns", "exec", NAME).
    """

    def __init__(self, folder, wrapper=()):
        self.folder = Path(folder)
        self.wrapper = [*wrapper, *ENDS_WITH_US]
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _traceback):
        self.stop()
        if kind is not None:
            print(self.report())

    def stop(self):
        """Stops what has been started."""
        while self.running:
            end_session(self.running.pop())

    def start(self, name, argv, listens, env=None):
        """Starts a program that stays, and waits until it accepts connections at all the addresses."""
        process = self._popen(name, argv, env)
        self.running.append(process)

        def is_up():
            if has_ended(process):
                raise ProgramFailed(f"{name} ended at its start:\n{self.log(name)}")
            return all(is_listening(process.pid, address) for address in listens)

        wait_until(is_up, lambda: f"{name} does not listen at {listens}:\n{self.log(name)}")

    def run(self, name, argv, env=None):
        """Runs a program to its end and returns what it printed; raises ProgramFailed unless it ends with 0."""
        process = self._popen(name, argv, env)
        try:
            wait_until(lambda: has_ended(process), lambda: f"{name} goes on:\n{self.log(name)}", RUN_S)
        finally:
            end_session(process, signal.SIGKILL)
        if process.returncode != 0:
            raise ProgramFailed(f"{name} ended with {process.returncode}:\n{self.log(name)}")
        return self.log(name)

    def _popen(self, name, argv, env):
        with open(self.folder / f"{name}.log", "wb") as log:
            return subprocess.Popen([*self.wrapper, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, start_new_session=True, cwd=self.folder,
                                    env={"PATH": SEARCH_PATH, "HOME": str(self.folder), "LANG": "C.UTF-8",
                                         **(env or {})})

    def path(self, name, text=None):
        """The path of a file of the lab; with text, the file is written."""
        path = self.folder / name
        if text is not None:
            path.write_text(text, encoding="utf-8")
        return path

    def log(self, name):
        """What a program has printed so far."""
        return self.path(f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def report(self):
        """The end of everything that was printed, for a failing test."""
        return "\n".join(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-40:])
                         for path in sorted(self.folder.glob("*.log")))
