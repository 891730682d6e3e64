# SPDX-License-Identifier: MIT
"""The configuration file: acme-dns files as they are, the environment, warnings and refusals with their place."""

import json
import os
import re

import pytest

from acmezone import ZONE, Acmezone, run, wait_until, write_config

# As acme-dns ships them (v1: engine sqlite3, no log file; v2: sqlite, log file), comments shortened.
ACME_DNS_V1 = """\
[general]
# DNS interface
listen = "127.0.0.1:53"
# protocol, "both", "both4", "both6", "udp", "udp4", "udp6" or "tcp", "tcp4", "tcp6"
protocol = "both"
domain = "auth.example.org"
nsname = "auth.example.org"
# admin email address, where @ is substituted with .
nsadmin = "admin.example.org"
# predefined records served in addition to the TXT
records = [
    # domain pointing to the public IP of your server
    "auth.example.org. A 198.51.100.1",
    # auth.example.org will resolve any *.auth.example.org records
    "auth.example.org. NS auth.example.org.",
]
debug = false

[database]
engine = "sqlite3"
connection = "/var/lib/acme-dns/acme-dns.db"
# connection = "postgres://user:password@localhost/acmedns_db"

[api]
ip = "0.0.0.0"
disable_registration = false
port = "443"
# possible values: "letsencrypt", "letsencryptstaging", "cert", "none"
tls = "letsencryptstaging"
tls_cert_privkey = "/etc/tls/example.org/privkey.pem"
tls_cert_fullchain = "/etc/tls/example.org/fullchain.pem"
acme_cache_dir = "api-certs"
notification_email = ""
corsorigins = [
    "*"
]
use_header = false
header_name = "X-Forwarded-For"

[logconfig]
loglevel = "debug"
logtype = "stdout"
# logfile = "./acme-dns.log"
logformat = "text"
"""
ACME_DNS_V2 = (ACME_DNS_V1.replace('"sqlite3"', '"sqlite"').replace('tls = "letsencryptstaging"', 'tls = "none"')
               .replace('"debug"', '"warning"').replace('# logfile', 'logfile').replace('"text"', '"json"'))

# What has to differ from those files here: our store, free ports, no certificate authority, a log to read.
OVERRIDES = {
    "ACMEZONE_DATABASE_ENGINE": "lmdb", "ACMEZONE_GENERAL_LISTEN": "127.0.0.1:0", "ACMEZONE_API_IP": "127.0.0.1",
    "ACMEZONE_API_PORT": "0", "ACMEZONE_API_TLS": "none", "ACMEZONE_LOGCONFIG_LOGFORMAT": "json",
    "ACMEZONE_LOGCONFIG_LOGLEVEL": "info",
}


def overrides(tmp_path):
    return {**OVERRIDES, "ACMEZONE_DATABASE_CONNECTION": str(tmp_path / "data")}


def write(tmp_path, text):
    path = tmp_path / "config.cfg"
    path.write_text(text)
    return path


def told(server):
    """What the server said before it served, wherever it said it."""
    return server.stderr + server.log


@pytest.mark.parametrize("text", [ACME_DNS_V1, ACME_DNS_V2, ACME_DNS_V1.replace("\n", "\r\n")],
                         ids=["v1", "v2", "v1 with CR LF"])
def test_an_acme_dns_file_is_read_as_it_is(tmp_path, text):
    with Acmezone(tmp_path, config=write(tmp_path, text), env=overrides(tmp_path)) as server:
        assert server.query(f"{ZONE}.", "A").answer[0][0].address == "198.51.100.1"
        assert str(server.query(f"{ZONE}.", "NS").answer[0][0].target) == f"{ZONE}."
        assert str(server.query(f"{ZONE}.", "SOA").answer[0][0].rname) == "admin.example.org."
        account = server.register()
        assert server.update(account, "x" * 43).status_code == 200
        assert server.txt(account["fulldomain"]) == ["x" * 43]
        answer = server.http.post(f"{server.api}/register", headers={"Origin": "https://any.example"})
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://any.example")


@pytest.mark.parametrize("engine", ["sqlite", "sqlite3", "postgres"])
def test_an_acme_dns_database_is_refused_by_its_name(tmp_path, engine):
    text = ACME_DNS_V1.replace('"sqlite3"', f'"{engine}"').replace('"letsencryptstaging"\n', '"none"\n')
    path = write(tmp_path, text)
    result = run("-c", path)
    assert result.returncode == 2
    line = text[:text.index("engine =")].count("\n") + 1
    assert f"{path}:{line}: " in result.stderr
    assert result.stderr.endswith(f"acmezone import --from {path} -c /etc/acmezone/config.cfg\n")
    assert len(result.stderr.splitlines()) == 1


# The environment

@pytest.mark.parametrize("env, name, expected", [
    ({"ACMEZONE_GENERAL_TXT_TTL": "17"}, "txt", 17),
    ({"ACMEZONE_GENERAL_NEGATIVE_TTL": "18"}, "negative", 18),
])
def test_the_environment_overrides_the_file(tmp_path, env, name, expected):
    with Acmezone(tmp_path, general={"txt_ttl": 5, "negative_ttl": 6}, env=env) as server:
        account = server.register()
        server.update(account, "x" * 43)
        if name == "txt":
            assert server.query(account["fulldomain"], "TXT").answer[0].ttl == expected
        else:
            assert server.query(f"nothing.{ZONE}.", "TXT").authority[0].ttl == expected


def test_lists_in_the_environment_have_commas_or_are_written_as_in_the_file(tmp_path):
    for value in ("127.0.0.1:0,[::1]:0", '["127.0.0.1:0", "[::1]:0"]'):
        with Acmezone(tmp_path, env={"ACMEZONE_GENERAL_LISTEN": value}) as server:
            assert [host for host, _ in server.dns_all] == ["127.0.0.1", "::1"]


def test_a_bad_value_in_the_environment_is_named_by_its_variable(tmp_path):
    result = run("-c", write_config(tmp_path), env={"ACMEZONE_GENERAL_TXT_VALUES": "65"})
    assert result.returncode == 2
    assert " ACMEZONE_GENERAL_TXT_VALUES: " in result.stderr
    assert "65" in result.stderr and "64" in result.stderr


# Refusals: what is wrong, where, and what would be right

BAD_VALUES = [  # section, key, value, words of the message
    ("general", "listen", "nonsense", ["nonsense"]),
    ("general", "listen", "127.0.0.1:99999", ["127.0.0.1:99999"]),
    ("general", "listen", "127.0.0.1", ["127.0.0.1"]),
    ("general", "listen", ["127.0.0.1:0", "::1:0:x"], ["::1:0:x"]),
    ("general", "listen", [], []),
    ("general", "protocol", "sctp", ["sctp", "both", "udp", "tcp6"]),
    ("general", "domain", "bad..name", ["bad..name"]),
    ("general", "domain", "x" * 64 + ".example.org", ["x" * 20]),
    ("general", "domain", "", []),
    ("general", "nsname", "bad..name", ["bad..name"]),
    ("general", "records", ["auth.example.org. A not-an-address"], ["not-an-address"]),
    ("general", "records", ["nonsense"], ["nonsense"]),
    ("general", "workers", -1, ["-1", "0", "256"]),
    ("general", "txt_values", 0, ["0", "1", "64"]),
    ("general", "txt_values", 65, ["65", "1", "64"]),
    ("general", "txt_values", "many", ["many"]),
    ("general", "txt_ttl", -1, ["-1"]),
    ("general", "udp_max_bytes", 511, ["511", "512"]),
    ("general", "negative_ttl", True, []),
    ("database", "engine", "mysql", ["mysql", "lmdb"]),
    ("database", "map_size", "much", ["much"]),
    ("database", "map_size", 1, ["1"]),
    ("api", "ip", "nonsense", ["nonsense"]),
    ("api", "port", "70000", ["70000", "65535"]),
    ("api", "port", "http", ["http"]),
    ("api", "tls", "maybe", ["maybe", "none", "cert"]),
    ("api", "tls", "cert", ["tls_cert_"]),
    ("api", "use_header", "yes", ["yes"]),
    ("api", "use_header", 1, []),
    ("api", "trusted_proxies", ["10.0.0.0/8", "nonsense"], ["nonsense"]),
    ("api", "registration_allowfrom", ["10.0.0.0/33"], ["10.0.0.0/33"]),
    ("api", "body_max_bytes", 10, ["10"]),
    ("api", "corsorigins", 5, []),
    ("logconfig", "loglevel", "loud", ["loud", "debug", "info", "warn", "error"]),
    ("logconfig", "logtype", "syslog", ["syslog", "stdout", "file"]),
    ("logconfig", "logtype", "file", ["logfile"]),
    ("logconfig", "logformat", "xml", ["xml", "text", "json"]),
]


@pytest.mark.parametrize("section, key, value, words", BAD_VALUES,
                         ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_value_is_refused_with_its_place_what_was_found_and_what_is_allowed(tmp_path, section, key, value, words):
    path = write_config(tmp_path, **{section: {key: value}})
    result = run("serve", "-c", path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    lines = path.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith(f"{key} ="))
    assert f"{path}:{line}: " in result.stderr
    assert key in result.stderr
    assert all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize("tokens", [["short:secret12"], ["nameless-secret-of-24-chr"], [":nameless-secret-of-25-ch"],
                                    ["name:secret with blanks in it"],
                                    ["a:secret-0123456789abcdef", "b:secret-0123456789abcdef"]])
def test_a_bad_registration_token_is_refused_and_not_repeated(tmp_path, tokens):
    result = run("-c", write_config(tmp_path, api={"registration_tokens": tokens}))
    assert result.returncode == 2
    assert re.search(r"config\.cfg:\d+: .*registration_tokens", result.stderr), result.stderr
    assert "secret" not in result.stderr


NOT_TOML = {
    "a string without its end": 'x = "abc',
    "no value": "x =",
    "no equals sign": "x",
    "no key": '= "abc"',
    "a table without its end": "[x",
    "a list without its end": 'x = ["a",',
    "two values": 'x = "a" "b"',
    "a float": "x = 1.5",
    "a date": "x = 1979-05-27",
    "an inline table": "x = { y = 1 }",
    "a table of tables": "[[x]]",
    "a bare word": "x = yes",
    "a bad escape": 'x = "\\q"',
    "broken UTF-8": b'x = "\xff"',
    "a NUL": b'x = "\0"',
}


@pytest.mark.parametrize("line", NOT_TOML.values(), ids=NOT_TOML.keys())
def test_what_is_not_toml_is_refused_with_its_line(tmp_path, line):
    path = write_config(tmp_path)
    text = path.read_bytes()
    n_lines = text.count(b"\n")
    path.write_bytes(text + (line if isinstance(line, bytes) else line.encode()) + b"\n")
    result = run("-c", path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1, result.stderr
    match = re.search(re.escape(str(path)) + r":(\d+): ", result.stderr)
    assert match and int(match[1]) in (n_lines + 1, n_lines + 2), result.stderr


@pytest.mark.parametrize("again", ['port = "81"', 'Port = "81"'])
def test_a_key_given_twice_is_refused(tmp_path, again):
    path = write(tmp_path, f'[general]\ndomain = "{ZONE}"\n[api]\nport = "80"\n{again}\n')
    result = run("-c", path)
    assert result.returncode == 2
    assert f"{path}:5: " in result.stderr


def test_several_mistakes_are_told_at_once(tmp_path):
    result = run("-c", write_config(tmp_path, general={"protocol": "sctp", "txt_values": 0}, api={"tls": "maybe"}))
    assert result.returncode == 2
    assert [word in result.stderr for word in ("sctp", "txt_values", "maybe")] == [True] * 3
    assert len(result.stderr.splitlines()) == 3


UNKNOWN = [("general", "colour", "blue", []), ("general", "txt_value", 2, ["txt_values"]),
           ("api", "txt_ttl", 0, ["general"]), ("apis", "port", "1", []), ("api", "domain", "x", [])]


@pytest.mark.parametrize("section, key, value, words", UNKNOWN)
def test_an_unknown_key_is_a_warning_with_its_place_and_the_server_starts(tmp_path, section, key, value, words):
    path = write_config(tmp_path)
    text = path.read_text()
    extra = f"{key} = {value if isinstance(value, int) else repr(value)}"
    path.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{extra}\n") if f"[{section}]" in text
                    else f"{text}[{section}]\n{extra}\n")
    line = path.read_text().splitlines().index(extra) + 1
    with Acmezone(tmp_path, config=path, warns=True) as server:
        place = wait_until(lambda: [text for text in told(server).splitlines() if f"{path}:{line}: " in text],
                           server.report)
        assert len(place) == 1 and key in place[0] and all(word in place[0] for word in words)


# Files and command line

def test_the_sample_loads_and_serves(tmp_path):
    sample = run("config", "--sample")
    assert (sample.returncode, sample.stderr) == (0, "")
    path = write(tmp_path, sample.stdout)
    with Acmezone(tmp_path, config=path, env=overrides(tmp_path)) as server:
        account = server.register()
        assert server.update(account, "x" * 43).status_code == 200
        assert server.txt(account["fulldomain"]) == ["x" * 43]


def test_every_option_of_the_sample_may_be_uncommented(tmp_path):
    """Each commented line that looks like an option is one that the parser takes with the value shown."""
    sample = run("config", "--sample").stdout
    text, n_options = re.subn(r"^# ?(\w+ = )", r"\1", sample, flags=re.MULTILINE)
    assert n_options > 20
    with Acmezone(tmp_path, config=write(tmp_path, text), env=overrides(tmp_path)) as server:
        assert server.register()


def test_the_schema_says_of_every_option_what_the_sample_says():
    schema = json.loads(run("config", "--schema").stdout)
    options = [option for section in schema["properties"].values() for option in section["properties"].items()]
    sample = re.findall(r"^# (\w+)(?: \(.*\))?; (.*)\n#?(\w+) = (.*)$", run("config", "--sample").stdout, re.MULTILINE)
    types = {"text": "string", "boolean": "boolean", "number": "integer", "list": ["array", "string"], "size": ["string", "integer"]}
    assert [key for key, _ in options] == [key for _, _, key, _ in sample] and len(sample) > 40
    for (key, option), (kind, allowed, _, default) in zip(options, sample):
        assert option.get("type") == types.get(kind)
        assert "default" not in option if key == "domain" else json.dumps(option["default"]) == default
        if kind == "number":
            assert allowed == f"{option['minimum']} to {option['maximum']}"
        if kind == "word":
            assert allowed == ", ".join(option["enum"])


def test_config_lists_every_option_with_type_default_range_and_help(tmp_path):
    listing = run("config")
    assert (listing.returncode, listing.stderr) == (0, "")
    for key in ("listen", "protocol", "domain", "nsname", "nsadmin", "records", "workers", "txt_ttl", "txt_values",
                "negative_ttl", "udp_max_bytes", "tcp_idle_s", "tcp_connections", "engine", "connection", "map_size",
                "ip", "port", "tls", "tls_cert_privkey", "tls_cert_fullchain", "corsorigins", "use_header",
                "header_name", "trusted_proxies", "registration_tokens", "registration_allowfrom",
                "disable_registration", "body_max_bytes", "idle_s", "connections", "connections_per_client", "request_s",
                "requests_per_s", "auth_failures_per_min",
                "loglevel", "logtype", "logfile", "logformat"):
        assert re.search(rf"\b{key}\b", listing.stdout), key
    for text in ("ACMEZONE_GENERAL_LISTEN", "ACMEZONE_API_PORT", "1232", "65535"):
        assert text in listing.stdout


def test_config_check_says_whether_a_file_is_sound(tmp_path):
    sound = run("config", "--check", "-c", write_config(tmp_path))
    assert (sound.returncode, sound.stderr) == (0, "")
    assert str(tmp_path / "config.cfg") in sound.stdout
    unsound = run("config", "--check", "-c", write_config(tmp_path, general={"txt_values": 0}))
    assert (unsound.returncode, unsound.stdout) == (2, "")
    assert "txt_values" in unsound.stderr


@pytest.mark.parametrize("args", [["serve", "-c", "{file}"], ["-c", "{file}"], ["serve"], []])
def test_an_acme_dns_command_line_keeps_working(tmp_path, args):
    """Without -c the file is ./config.cfg, as no /etc/acme-dns/config.cfg is there."""
    path = write_config(tmp_path)
    with Acmezone(tmp_path, config=path, args=[arg.format(file=path) for arg in args], cwd=tmp_path) as server:
        assert server.register()


def test_version_and_help_say_what_this_is():
    version = run("version")
    assert (version.returncode, version.stderr) == (0, "")
    assert re.fullmatch(r"acmezone \d+\.\d+\.\d+\S*\n", version.stdout), version.stdout
    usage = run("help")
    assert (usage.returncode, usage.stderr) == (0, "")
    for command in ("serve", "version", "config", "help", "-c FILE"):
        assert command in usage.stdout


@pytest.mark.parametrize("args", [["nonsense"], ["serve", "--nonsense"], ["-x"], ["serve", "-c"],
                                  ["config", "nonsense"], ["serve", "-c", "a", "b"]])
def test_a_wrong_command_line_is_refused_with_the_right_one(args):
    result = run(*args)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "--help" in result.stderr


@pytest.mark.parametrize("kind", ["missing", "a folder", "in a missing folder"])
def test_an_unreadable_file_is_one_clear_line(tmp_path, kind):
    path = {"missing": tmp_path / "nothing.cfg", "a folder": tmp_path,
            "in a missing folder": tmp_path / "x" / "y.cfg"}[kind]
    result = run("-c", path)
    assert result.returncode in (1, 2)
    assert len(result.stderr.splitlines()) == 1
    assert str(path) in result.stderr


def test_without_any_file_the_two_places_are_named(tmp_path):
    assert not os.path.exists("/etc/acme-dns/config.cfg"), "this test needs a machine without acme-dns"
    result = run(cwd=tmp_path)
    assert result.returncode in (1, 2)
    assert "/etc/acme-dns/config.cfg" in result.stderr and "./config.cfg" in result.stderr
