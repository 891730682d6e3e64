# SPDX-License-Identifier: MIT
"""The API over TLS: versions, the chain, and certificates that change while the server runs."""

import http.client
import os
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from acmezone import CHEAP_ARGON2, Acmezone, run, wait_until, write_config
from certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


class Files:
    """The two files the server reads."""

    def __init__(self, folder):
        self.chain, self.key = folder / "fullchain.pem", folder / "privkey.pem"

    def write(self, issued):
        """Certificate and key, each replaced in one step, as a careful client does."""
        for path, text in ((self.chain, issued[0]), (self.key, issued[1])):
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.chmod(0o600)
            fresh.replace(path)

    @property
    def options(self):
        return {"tls": "cert", "tls_cert_fullchain": str(self.chain), "tls_cert_privkey": str(self.key)}


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def start(tmp_path, authority, options, **how):
    server = Acmezone(tmp_path, api={**CHEAP_ARGON2, **options}, **how)
    server.http.verify = str(authority.root)
    return server


def address(server):
    url = urlsplit(server.api)
    return url.hostname, url.port


def served_certificate(server, authority):
    """The DER of the certificate that a new connection gets, its chain verified up to the root."""
    context = ssl.create_default_context(cafile=authority.root)
    with socket.create_connection(address(server), 10) as sock:
        with context.wrap_socket(sock, server_hostname="localhost") as tls:
            return tls.getpeercert(binary_form=True)


def wait_for_certificate(server, authority, issued):
    wait_until(lambda: served_certificate(server, authority) == issued[2], server.report)


@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_the_api_is_served_over_https_with_the_whole_chain(tmp_path, authority, files, key):
    issued = authority.issue(key)
    files.write(issued)
    with start(tmp_path, authority, files.options) as server:
        assert server.api.startswith("https://")
        assert served_certificate(server, authority) == issued[2]
        account = server.register()
        assert server.update(account, "x" * 43).status_code == 200
        assert server.txt(account["fulldomain"]) == ["x" * 43]
        assert "Strict-Transport-Security" not in server.http.get(f"{server.api}/health").headers


def test_hsts_is_sent_when_configured(tmp_path, authority, files):
    files.write(authority.issue())
    hsts = {"hsts_enabled": True, "hsts_max_age": 600, "hsts_include_subdomains": True, "hsts_preload": True}
    with start(tmp_path, authority, {**files.options, **hsts}) as server:
        header = server.http.get(f"{server.api}/health").headers["Strict-Transport-Security"]
        assert [part.strip().lower() for part in header.split(";")] == ["max-age=600", "includesubdomains", "preload"]


@pytest.mark.parametrize("version, is_served", [(ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                                                (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_tls_1_2_and_later_are_spoken(tmp_path, authority, files, version, is_served):
    files.write(authority.issue("rsa"))
    context = ssl.create_default_context(cafile=authority.root)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with start(tmp_path, authority, files.options) as server:
        with socket.create_connection(address(server), 10) as sock:
            if is_served:
                with context.wrap_socket(sock, server_hostname="localhost") as tls:
                    assert tls.version().replace(".", "_") == version.name
            else:
                with pytest.raises((ssl.SSLError, ConnectionResetError)):
                    context.wrap_socket(sock, server_hostname="localhost")


def test_plain_http_on_the_tls_port_gets_no_answer(tmp_path, authority, files):
    files.write(authority.issue())
    with start(tmp_path, authority, files.options) as server:
        with socket.create_connection(address(server), 10) as sock:
            sock.sendall(b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            try:
                data = sock.recv(1000)
            except ConnectionResetError:
                data = b""
            assert b"HTTP" not in data
        assert server.register()


@pytest.mark.parametrize("how", ["by itself", "on SIGHUP"])
def test_a_new_certificate_is_used_and_open_connections_live_on(tmp_path, authority, files, how):
    first, second = authority.issue(), authority.issue("rsa")
    files.write(first)
    with start(tmp_path, authority, files.options) as server:
        connection = http.client.HTTPSConnection(*address(server), timeout=10,
                                                 context=ssl.create_default_context(cafile=authority.root))
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b""
        sock = connection.sock
        files.write(second)
        if how == "on SIGHUP":
            server.reload()
            assert served_certificate(server, authority) == second[2]
        else:
            wait_for_certificate(server, authority, second)
        connection.request("POST", "/register")
        response = connection.getresponse()
        assert response.status == 201
        response.read()
        assert connection.sock is sock, "the connection was not made anew"
        assert sock.getpeercert(binary_form=True) == first[2]
        connection.close()


def test_links_that_are_switched_to_another_folder_are_noticed(tmp_path, authority):
    """As certbot's live folder or a mounted secret does it: the watched names stay, what they point to changes."""
    first, second = authority.issue(), authority.issue()
    for name, issued in (("v1", first), ("v2", second)):
        (tmp_path / name).mkdir()
        Files(tmp_path / name).write(issued)
    (tmp_path / "live").mkdir()
    os.symlink("../v1", tmp_path / "live" / "..data")
    files = Files(tmp_path / "live")
    for path in (files.chain, files.key):
        os.symlink(f"..data/{path.name}", path)
    with start(tmp_path, authority, files.options) as server:
        assert served_certificate(server, authority) == first[2]
        os.symlink("../v2", tmp_path / "live" / "..new")
        os.replace(tmp_path / "live" / "..new", tmp_path / "live" / "..data")
        wait_for_certificate(server, authority, second)


BROKEN = {
    "nonsense": lambda files, issued: files.chain.write_text("nonsense"),
    "empty": lambda files, issued: files.chain.write_text(""),
    "missing chain": lambda files, issued: files.chain.unlink(),
    "a key for everybody": lambda files, issued: (files.write(issued), files.key.chmod(0o604)),
    "missing key": lambda files, issued: files.key.unlink(),
    "another's key": lambda files, issued: files.key.write_text(issued[1]),
    "a folder": lambda files, issued: (files.key.unlink(), files.key.mkdir()),
}


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_new_file_keeps_the_old_certificate_and_logs_an_error(tmp_path, authority, files, breaks):
    first, second = authority.issue(), authority.issue()
    files.write(first)
    with start(tmp_path, authority, files.options, expects_errors=True) as server:
        breaks(files, second)
        server.reload()
        assert server.errors
        assert served_certificate(server, authority) == first[2]
        assert server.register()
        for path in (files.chain, files.key):
            if path.is_dir():
                path.rmdir()
        files.write(second)
        server.reload()
        assert served_certificate(server, authority) == second[2]


def test_a_new_chain_whose_key_comes_later_is_used_when_the_key_is_there(tmp_path, authority, files):
    """Two files are not replaced at once: in between the old certificate stays, and nobody has to send a signal."""
    first, second = authority.issue(), authority.issue()
    files.write(first)
    with start(tmp_path, authority, files.options, expects_errors=True) as server:
        files.chain.write_text(second[0])
        wait_until(lambda: server.errors, server.report)
        assert served_certificate(server, authority) == first[2]
        files.key.write_text(second[1])
        wait_for_certificate(server, authority, second)


def test_an_expired_new_certificate_keeps_the_old_one_and_logs_an_error(tmp_path, authority, files):
    first = authority.issue()
    files.write(first)
    with start(tmp_path, authority, files.options, expects_errors=True) as server:
        files.write(authority.issue_expired())
        server.reload()
        assert server.errors
        assert served_certificate(server, authority) == first[2]


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
def test_without_a_usable_certificate_the_server_does_not_start(tmp_path, authority, files, breaks):
    files.write(authority.issue())
    breaks(files, authority.issue())
    result = run("serve", "-c", write_config(tmp_path, api=files.options))
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert str(files.chain) in result.stderr or str(files.key) in result.stderr
