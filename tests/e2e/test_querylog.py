# SPDX-License-Identifier: MIT
"""The query log: off unless asked for, one line a query or one in so many, and never at the cost of an answer."""

from acmezone import CHEAP_ARGON2, ZONE, Acmezone, parse_log_line, run, wait_until, write_config
from lab.prometheus import Metrics
from wire import query_bytes, udp_socket


def lines_of(path):
    return [parse_log_line(line) for line in path.read_text().splitlines()]


def test_it_is_off_unless_asked_for(tmp_path):
    with Acmezone(tmp_path) as server:
        assert server.query(f"{ZONE}.", "A").answer
        assert server.stop() == 0
        assert not server.events_named("query")


def test_each_query_is_a_line_of_the_log_with_client_name_type_rcode_and_transport(tmp_path):
    with Acmezone(tmp_path, querylog={"sample": 1}, api=CHEAP_ARGON2) as server:
        account = server.register()
        server.query(account["fulldomain"], "TXT")
        server.query(f"NoThing.{ZONE}.", "AAAA", tcp=True)
        server.query("example.com.", "CAA")
        assert server.stop() == 0
        seen = [[line[key] for key in ("client", "transport", "name", "type", "rcode", "limited")]
                for line in server.events_named("query")]
    assert sorted(seen) == sorted([
        ["127.0.0.1", "udp", f"{account['fulldomain']}.", "TXT", "NOERROR", "no"],
        ["127.0.0.1", "tcp", f"nothing.{ZONE}.", "AAAA", "NXDOMAIN", "no"],
        ["127.0.0.1", "udp", "example.com.", "CAA", "REFUSED", "no"]])


def test_lines_come_while_the_server_runs_and_file_and_format_are_as_configured(tmp_path):
    path = tmp_path / "queries.log"
    with Acmezone(tmp_path, querylog={"sample": 1, "file": str(path)}, logconfig={"logformat": "text"}) as server:
        server.query(f"{ZONE}.", "A")
        wait_until(lambda: len(lines_of(path)) == 1, server.report)
        assert " info query client=127.0.0.1 transport=udp " in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o640
        path.rename(tmp_path / "queries.log.1")
        server.reload()
        server.query(f"{ZONE}.", "AAAA")
        wait_until(lambda: path.exists() and lines_of(path), server.report)
        assert [line["type"] for line in lines_of(path)] == ["AAAA"]
        assert not server.events_named("query")


def test_one_query_in_so_many_is_logged(tmp_path):
    with Acmezone(tmp_path, general={"workers": 1}, querylog={"sample": 10}) as server:
        for _ in range(50):
            server.query(f"{ZONE}.", "A")
        assert server.stop() == 0
        assert len(server.events_named("query")) == 5


def test_lines_and_dropped_lines_are_all_the_queries_of_a_flood(tmp_path):
    path = tmp_path / "queries.log"
    with Acmezone(tmp_path, general={"workers": 1}, querylog={"sample": 1, "file": str(path)}) as server:
        with udp_socket(server.dns) as sock:
            for i in range(20000):
                sock.send(query_bytes(i & 0xffff, ZONE))

        def adds_up():
            metrics = Metrics(server.metrics)
            n_lines, n_queries = len(lines_of(path)), metrics["acmezone_dns_queries_total", "transport=udp"]
            return n_lines > 0 and n_lines + metrics["acmezone_querylog_dropped_total"] == n_queries
        wait_until(adds_up, server.report)


def test_dropped_lines_are_told_to_prometheus(tmp_path):
    with Acmezone(tmp_path, querylog={"sample": 1}) as server:
        assert Metrics(server.metrics)["acmezone_querylog_dropped_total"] == 0


def test_limited_queries_are_marked(tmp_path):
    with Acmezone(tmp_path, general={"rrl_existing_per_s": 1, "rrl_slip": 2, "rrl_exempt": [], "workers": 1},
                  querylog={"sample": 1}) as server:
        with udp_socket(server.dns) as sock:
            for i in range(50):
                sock.send(query_bytes(i, ZONE))
        wait_until(lambda: len(server.events_named("query")) == 50, server.report)
        assert {line["limited"] for line in server.events_named("query")} == {"no", "slip", "drop"}


def test_a_file_that_cannot_be_opened_is_one_clear_line_and_exit_1(tmp_path):
    path = tmp_path / "nowhere/queries.log"
    result = run("-c", write_config(tmp_path, querylog={"sample": 1, "file": str(path)}))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert str(path) in line and "No such file or directory" in line
