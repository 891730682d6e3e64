# SPDX-License-Identifier: MIT
"""The store under violence: killed at random moments, on a disk that fails or is full, damaged or cut off.

What was acknowledged is there after it all, nothing else appears, DNS goes on as long as there is a process, and when the
trouble is over the server recovers by itself.
"""

import contextlib
import errno
import os
import random
import resource
import shutil
import time

import dns.rcode
import pytest

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config
from ledger import TOOLS, Ledger, Watch, Writers

N_KILLS = int(os.environ.get("CRASH_KILLS", "100"))
N_WRITERS = 16
SHORT = 255  # the disk writes less than it should
SEED = 20261121


def wait_for_answers(ledger, n):
    """Until the writers have had so many more answers, of either kind: how long it takes is the machine's affair."""
    start = ledger.n_acknowledged + ledger.n_refused
    wait_until(lambda: ledger.n_acknowledged + ledger.n_refused >= start + n, "answers")


# Kills

def test_kills_at_random_moments_lose_nothing_acknowledged_and_invent_nothing(tmp_path):
    ledger = Ledger(SEED)
    shares = [[] for _ in range(N_WRITERS)]
    server = Acmezone(tmp_path, api=CHEAP_ARGON2, general={"workers": 2})
    n_asked = 0
    for _ in range(N_KILLS):
        server.start()
        ledger.settle(tmp_path / "data")
        n_asked += ledger.check_dns(server.dns, 500)
        with Writers(ledger, server, shares):
            wait_for_answers(ledger, ledger.random.randrange(300))
            time.sleep(ledger.random.uniform(0, 0.005))
            server.kill()
    with server:
        ledger.settle(tmp_path / "data")
        ledger.check_dns(server.dns)
    print(f"{N_KILLS} kills, {ledger.n_acknowledged} acknowledged, {len(ledger.accounts)} accounts, {n_asked} asked")
    assert ledger.n_acknowledged > 10 * N_KILLS
    assert ledger.n_refused == 0


# A disk that fails

class Disk:
    """Makes the server's writes to its store fail; see tests/tool/disk_shim.c."""

    # Preloading is fine; what was cut off in the middle holds memory.
    SANITIZER = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"}
    PLACES = {"pages": 0, "headers": 1, "sync": 2, "header syncs": 3}

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(4))
        self.env = {"LD_PRELOAD": str(TOOLS / "disk_shim.so"), "DISK_SHIM": str(path), **self.SANITIZER}

    def set(self, **faults):
        """The faults from now on; all others are over."""
        state = bytearray(4)
        for name, number in faults.items():
            state[self.PLACES[name.replace("_", " ")]] = number
        with open(self.path, "r+b") as file:
            file.write(state)


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path / "disk")


def is_ready(server):
    return server.http.get(f"{server.api}/ready").status_code == 200


def expect_refusals(server, ledger, account, most=20):
    """Asks for changes until enough were refused, and checks each refusal. One may fit in between on a full disk."""
    n_refused = 0
    for _ in range(100):
        for answer in server.http.post(f"{server.api}/register"), server.update(account, "x" * 43):
            if answer.status_code in (200, 201):
                continue
            assert answer.status_code in (500, 503)
            assert answer.text == '{"error": "db_error"}'
            assert answer.status_code == 500 or answer.headers["Retry-After"].isdigit()
            n_refused += 1
        if n_refused >= most:
            return
    raise AssertionError(f"only {n_refused} refusals")


FAULTS = {
    "pages: EIO": {"pages": errno.EIO},
    "pages: short": {"pages": SHORT},
    "pages: no space": {"pages": errno.ENOSPC},
    "sync: EIO": {"sync": errno.EIO},
    "header: EIO": {"headers": errno.EIO},
    "header: short": {"headers": SHORT},
    "header: no space": {"headers": errno.ENOSPC},
    "header: EIO at its sync": {"header_syncs": errno.EIO},
    "everything: EIO": {"pages": errno.EIO, "headers": errno.EIO, "sync": errno.EIO},
    "read-only": {"pages": errno.EROFS, "headers": errno.EROFS},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_refuses_writes_while_dns_goes_on_and_recovers_without_a_restart(tmp_path, disk, fault):
    ledger = Ledger(SEED)
    with Acmezone(tmp_path, api=CHEAP_ARGON2, env=disk.env, expects_errors=True) as server:
        with Writers(ledger, server, [[] for _ in range(4)], n_most=20):
            wait_until(lambda: ledger.n_acknowledged > 200, "writes")
        account = server.register()
        assert server.update(account, "y" * 43).status_code == 200
        with Watch(ledger, server.dns) as watch:
            disk.set(**FAULTS[fault])
            expect_refusals(server, ledger, account)
            assert not is_ready(server)
            assert server.http.get(f"{server.api}/health").status_code == 200
            assert server.txt(account["fulldomain"]) == ["y" * 43]
            disk.set()
            n_asked = watch.n_asked
            wait_until(lambda: is_ready(server), "recovery without a write")
            assert server.txt(account["fulldomain"]) == ["y" * 43]
            wait_until(lambda: watch.n_asked > n_asked + 100, "more answers")
        assert server.update(account, "z" * 43).status_code == 200
        with Writers(ledger, server, [list(ledger.accounts.values())]):
            done = ledger.n_acknowledged
            wait_until(lambda: ledger.n_acknowledged > done + 50, "writes again")
        assert ledger.n_refused == 0
        assert server.events_named("store.recovered")
        ledger.strangers.add(account["subdomain"])
        server.restart()
        assert server.txt(account["fulldomain"]) == sorted(["y" * 43, "z" * 43])
        ledger.check_dns(server.dns)


def test_faults_and_kills_under_writers_lose_nothing_acknowledged_and_keep_nothing_refused(tmp_path, disk):
    ledger = Ledger(SEED + 1)
    shares = [[] for _ in range(N_WRITERS)]
    # A header that is on the disk although its sync failed may survive a kill, so what was refused may be kept.
    faults = [fault for fault in FAULTS.values() if "header_syncs" not in fault]
    server = Acmezone(tmp_path, api=CHEAP_ARGON2, env=disk.env, expects_errors=True)
    n_faults = 0
    for _ in range(max(1, N_KILLS // 10)):
        disk.set()
        server.start()
        ledger.settle(tmp_path / "data")
        ledger.check_dns(server.dns)
        with Writers(ledger, server, shares):
            for _ in range(8):
                disk.set(**ledger.random.choice([*faults, {}, {}]))
                n_faults += 1
                wait_for_answers(ledger, ledger.random.randrange(60))
            if ledger.random.random() < 0.5:
                disk.set()
            server.kill()
    disk.set()
    with server:
        ledger.settle(tmp_path / "data")
        ledger.check_dns(server.dns)
    print(f"{n_faults} faults, {ledger.n_acknowledged} acknowledged, {ledger.n_refused} refused")
    assert ledger.n_acknowledged > 100 and ledger.n_refused > 100


# A disk that is full

def test_a_file_that_may_not_grow_refuses_writes_until_it_may(tmp_path):
    """RLIMIT_FSIZE, which ends a process that does not ignore its signal."""
    ledger = Ledger(SEED)
    with Acmezone(tmp_path, api=CHEAP_ARGON2, expects_errors=True) as server:
        with Writers(ledger, server, [[] for _ in range(4)], n_most=40):
            wait_until(lambda: ledger.n_acknowledged > 200, "writes")
        size = (tmp_path / "data" / "data.mdb").stat().st_size
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        with Watch(ledger, server.dns), Writers(ledger, server, [[] for _ in range(4)]):
            wait_until(lambda: ledger.n_refused > 20, "refusals")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: is_ready(server), "recovery")
        ledger.settle(tmp_path / "data")
        done, refused = ledger.n_acknowledged, ledger.n_refused
        with Writers(ledger, server, [[]]):
            wait_until(lambda: ledger.n_acknowledged > done + 100, "writes again")
        assert ledger.n_refused == refused
        ledger.settle(tmp_path / "data")
        ledger.check_dns(server.dns)


@pytest.mark.parametrize("is_full_at_start", [False, True], ids=["while it runs", "at the start"])
def test_a_full_file_system_refuses_writes_until_there_is_room(tmp_path, is_full_at_start):
    """The store lies on a small disk of its own, which only the server sees, and ballast fills the rest of it."""
    ledger = Ledger(SEED)
    data = tmp_path / "data"
    data.mkdir()
    fill = f'dd if=/dev/zero of="$0/ballast" bs=4k count={10000 if is_full_at_start else 0} 2>/dev/null;'
    small_disk = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=2m none "$0" && {{ {fill} exec "$@"; }}', data]
    if is_full_at_start:
        assert_refused_clearly(tmp_path, wrapper=small_disk, env=Disk.SANITIZER)
        return
    with Acmezone(tmp_path, api=CHEAP_ARGON2, wrapper=small_disk, expects_errors=True) as server:
        inside = f"/proc/{server.pid}/root{data}"
        with Writers(ledger, server, [[] for _ in range(4)], n_most=20):
            wait_until(lambda: ledger.n_acknowledged > 200, "writes")
        with open(f"{inside}/ballast", "wb", buffering=0) as ballast, pytest.raises(OSError):
            while True:
                ballast.write(bytes(4096))
        with Watch(ledger, server.dns), Writers(ledger, server, [[] for _ in range(4)]):
            wait_until(lambda: ledger.n_refused > 20, "refusals")
        os.unlink(f"{inside}/ballast")
        wait_until(lambda: is_ready(server), "recovery")
        done, refused = ledger.n_acknowledged, ledger.n_refused
        with Writers(ledger, server, [[]]):
            wait_until(lambda: ledger.n_acknowledged > done + 100, "writes again")
        assert ledger.n_refused == refused
        shutil.copytree(inside, tmp_path / "copy")
        ledger.settle(tmp_path / "copy")
        ledger.check_dns(server.dns)


def is_refusal(text):
    """One line, and not because of who can get at the directory."""
    return len(text.splitlines()) == 1 and "store.refused" in text and "step=directory" not in text


def assert_refused_clearly(tmp_path, **options):
    """The program does not start, and says why in one line."""
    result = run("-c", write_config(tmp_path), **options)
    assert result.returncode == 1, result
    assert is_refusal(result.stderr), result.stderr
    assert str(tmp_path / "data") in result.stderr


# A file that is damaged

@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The file of a store with some hundred accounts, and the ledger of what is in it."""
    path = tmp_path_factory.mktemp("sound")
    ledger = Ledger(SEED)
    with Acmezone(path, api=CHEAP_ARGON2) as server:
        with Writers(ledger, server, [[] for _ in range(8)]):
            wait_until(lambda: len(ledger.accounts) > 200, "accounts")
    return path / "data" / "data.mdb", ledger


@contextlib.contextmanager
def started_or_refused(server):
    """The running server, or None when it has said why in one line and left with 1."""
    try:
        server.start()
    except AssertionError as failure:
        assert "exit code 1" in str(failure)
        assert is_refusal(server.stderr)
        yield None
        return
    with contextlib.ExitStack() as stack:
        stack.push(server)
        yield server


def lay(tmp_path, content):
    """Makes the store's file, closed to others."""
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    with open(tmp_path / "data" / "data.mdb", "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)


def flip(path, place, bits):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ bits]))


def places(size, n):
    """Half of them in the headers, where each byte matters."""
    numbers = random.Random(SEED)
    for i in range(n):
        start, end = ((0, 160), (4096, 4256), (0, size), (0, size))[i % 4]
        yield numbers.randrange(start, end), numbers.randrange(1, 256)


def test_a_flipped_byte_is_refused_at_the_start_or_harms_nothing(tmp_path, sound):
    file, ledger = sound
    n_refused = 0
    for place, bits in places(file.stat().st_size, 40):
        lay(tmp_path, file.read_bytes())
        flip(tmp_path / "data" / "data.mdb", place, bits)
        with started_or_refused(Acmezone(tmp_path, api=CHEAP_ARGON2)) as server:
            n_refused += server is None
            if server:
                ledger.check_dns(server.dns)
                server.register()
    assert 10 <= n_refused < 40


def test_a_store_too_large_to_be_checked_serves_what_is_sound_of_it(tmp_path, sound):
    """Damage is an error for whoever asks for what it hits; the process goes on, and stops cleanly."""
    file, ledger = sound
    numbers = random.Random(SEED)
    n_damaged = 0
    for _ in range(12):
        lay(tmp_path, file.read_bytes())
        for _ in range(8):
            flip(tmp_path / "data" / "data.mdb", numbers.randrange(8192, file.stat().st_size), numbers.randrange(1, 256))
        server = Acmezone(tmp_path, api=CHEAP_ARGON2, database={"check_max": 0}, expects_errors=True)
        with started_or_refused(server) as server:
            if server:
                n_damaged += use_damaged(server, ledger, numbers)
    assert n_damaged > 0


def use_damaged(server, ledger, numbers):
    """Asks for everything, writes a little, and returns how many accounts are damaged."""
    n_damaged = sum(is_damaged(server, account) for account in ledger.accounts.values())
    for account in numbers.sample(list(ledger.accounts.values()), 10):
        assert update(server, account).status_code in (200, 401, 500)
    assert server.http.post(f"{server.api}/register").status_code in (201, 500)
    assert server.query("auth.example.org", "SOA").rcode() == dns.rcode.NOERROR
    return n_damaged


def update(server, account):
    return server.http.post(f"{server.api}/update", json={"subdomain": account.subdomain, "txt": "x" * 43},
                            headers=account.headers)


def is_damaged(server, account):
    """Whether an answer is an error, or a wrong NXDOMAIN; a value must be the right one."""
    answer = server.query(account.fulldomain)
    if answer.rcode() != dns.rcode.NOERROR:
        assert answer.rcode() in (dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN)
        return True
    values = [b"".join(rdata.strings).decode() for rrset in answer.answer for rdata in rrset]
    if values != account.values:  # what it was before, at a branch that leads to a page which is free now
        assert all(value in account.values or value[:10].isdigit() for value in values)
        return True
    return False


@pytest.mark.parametrize("n_pages", [0, 1, 2, 3, 5, 8])
def test_a_truncated_store_is_refused(tmp_path, sound, n_pages):
    lay(tmp_path, sound[0].read_bytes()[:n_pages * 4096 + 100])
    assert_refused_clearly(tmp_path)


def test_a_file_that_is_cut_off_while_it_is_served_does_not_end_the_process(tmp_path, sound):
    file, ledger = sound
    lay(tmp_path, file.read_bytes())
    account = next(iter(ledger.accounts.values()))
    with Acmezone(tmp_path, api=CHEAP_ARGON2, expects_errors=True) as server:
        ledger.check_dns(server.dns)
        os.truncate(tmp_path / "data" / "data.mdb", 8192)
        for known in list(ledger.accounts.values())[:20]:
            assert server.query(known.fulldomain).rcode() == dns.rcode.SERVFAIL
        for _ in range(3):
            answer = update(server, account)
            assert (answer.status_code, answer.text) == (500, '{"error": "db_error"}')
            answer = server.http.post(f"{server.api}/register")
            assert (answer.status_code, answer.text) == (500, '{"error": "db_error"}')
        assert not is_ready(server)
        assert server.query("auth.example.org", "SOA").rcode() == dns.rcode.NOERROR
        assert server.events_named("store.damaged")
